"""Conley: sums by place, and the places within a distance of each."""
