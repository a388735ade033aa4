"""What a fit leaves: frozen facts whose methods delegate."""
