"""One fit for each group or outcome, from one pass."""
