"""Predictions, comparisons, slopes and marginal means of a fit, with standard errors by the delta method."""
