"""Passages: neighbouring segments, the unit of search, with their vectors and the changes that publish them."""
