"""Rooms: a class answers a lesson's questions on phones, and a teacher leads. All of it is in memory only."""
