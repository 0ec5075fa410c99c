"""Files as tables: one page a format."""
