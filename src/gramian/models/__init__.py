"""Statistics: observations and coefficients to weighted linear rows."""
