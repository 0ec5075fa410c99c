"""Selection: the search for alpha, its scores, and the tests of the result."""
