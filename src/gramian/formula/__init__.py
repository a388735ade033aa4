"""From text to terms, from terms to a design, from a design to model columns."""
