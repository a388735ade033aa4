"""The same sums for every key: groups, folds, clusters, in stacked arrays."""
