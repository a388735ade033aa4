"""What stands right of `|`: absorbed factors, and variables whose slope differs by their levels."""
