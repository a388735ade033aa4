"""Pictures of arrays; the only place that draws, and that knows matplotlib."""
