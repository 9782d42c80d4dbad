"""Maps of one picture side by side, with one cursor."""
