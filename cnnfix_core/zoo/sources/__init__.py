"""Sources of models, one module per source."""
