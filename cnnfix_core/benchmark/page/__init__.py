"""The benchmark page of the docs, written from results."""
