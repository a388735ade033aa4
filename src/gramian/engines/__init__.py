"""How a pass is run: one class and one method each."""
