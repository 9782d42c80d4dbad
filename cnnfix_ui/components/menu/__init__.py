"""Closes the menu of a phone."""
