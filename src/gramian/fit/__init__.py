"""The only place where design, model, engine and solver meet."""
