"""Tables that outgrow the machine: the same training on Dask's cluster, as sums over blocks."""
