"""The command line: arguments in, api calls, tables out."""
