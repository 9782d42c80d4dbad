"""Untrusted model files, read without running any code in them."""
