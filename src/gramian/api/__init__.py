"""The functions that people call, a module for each model, so that a call imports what it uses."""
