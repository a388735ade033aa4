"""Sums for every key (group, fold or cluster) in stacked arrays."""
