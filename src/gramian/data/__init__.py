"""Anything that holds rows, as a stream of batches in addressable units."""
