"""Runs that go on after an interrupt or without damaged units."""
