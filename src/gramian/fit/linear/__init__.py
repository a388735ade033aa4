"""Linear regression: plan, fit, result, analysis of variance, collinearity, report."""
