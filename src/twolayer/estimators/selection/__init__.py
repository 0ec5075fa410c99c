"""Choosing: the path of alpha, the search, its scoring, and the tests of what it found."""
