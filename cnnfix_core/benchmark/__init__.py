"""The benchmark: methods x models x pictures with a known truth, as rows, and as tables with intervals."""
