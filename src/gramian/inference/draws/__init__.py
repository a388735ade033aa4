"""Random draws: weights of clusters and rows, estimates of the draws, intervals and tests from them."""
