"""Data of other libraries: a file for each, imported where such an object is met."""
