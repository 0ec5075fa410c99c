"""Files as tables: one module per format, and the table of them in `formats`."""
