"""The Models page: the catalogue and your own network."""
