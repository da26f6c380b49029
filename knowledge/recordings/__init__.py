"""Courses and recordings: names, files, states. A course here is a set of recordings; its people are elsewhere."""
