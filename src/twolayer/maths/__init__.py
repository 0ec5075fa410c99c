"""The program itself in plain NumPy: the network, its activations and its losses."""

from typing import Any

Array = Any  # a NumPy array or a torch tensor; only the engine knows which
