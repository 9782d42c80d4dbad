"""Slow, plain versions of the engine, written from its definitions."""
