"""The Models page: the catalogue and the visitor's own network."""
