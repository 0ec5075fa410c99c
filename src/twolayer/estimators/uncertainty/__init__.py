"""How sure predictions are: noise, temperature, spread."""
