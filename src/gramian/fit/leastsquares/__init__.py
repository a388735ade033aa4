"""From moments to a solution with certified digits: solve, refine, exact sums."""
