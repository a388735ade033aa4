"""Tables and queries of databases: their connections, dialects, and rows."""
