"""Covariances beside absorbed factors that need more than the effects of levels."""
