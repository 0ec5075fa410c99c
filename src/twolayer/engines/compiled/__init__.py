"""The compiled engine: kernels in machine code, and the state that calls them."""
