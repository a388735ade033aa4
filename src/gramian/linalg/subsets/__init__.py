"""Selection of columns: stepwise, and best subsets by branch and bound."""
