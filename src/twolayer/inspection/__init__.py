"""What is inside a fitted model: which inputs matter, what the weights show, and how training went."""
