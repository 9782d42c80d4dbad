"""One module per command: `add` declares its arguments, `run` runs it."""
