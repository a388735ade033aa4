"""Wide and sparse problems: products with the rows instead of products of the columns."""
