"""Maps of one picture side by side, with a shared cursor."""
