"""Linear regression: plan, fit, result, report."""
