"""Numbers only: stored columns, moments, solves. Knows no frame, no formula, no statistics."""
