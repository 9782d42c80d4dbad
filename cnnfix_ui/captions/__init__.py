"""Captions: what a captioner says, and which pixels and which words made it say each word."""
