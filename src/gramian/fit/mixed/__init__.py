"""Linear mixed models of one grouping: random intercepts and slopes by REML or ML, from sums within groups."""
