"""Models: from outcomes and coefficients to the rows of a weighted least squares problem."""
