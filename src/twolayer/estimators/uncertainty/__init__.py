"""The uncertainty of predictions: noise, temperature, spread."""
