"""The command line: parses arguments, calls the public functions, and prints their results."""
