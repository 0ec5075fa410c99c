"""The program itself in plain NumPy: the network, its activations and its losses."""
