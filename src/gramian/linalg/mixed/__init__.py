"""Linear mixed models of one grouping: likelihood, gradient and search, from products within groups."""
