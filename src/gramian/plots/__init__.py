"""Pictures of arrays, drawn with matplotlib; nothing here knows fits or data."""
