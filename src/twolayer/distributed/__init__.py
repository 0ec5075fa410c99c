"""Tables that outgrow the machine: the same training on Dask's cluster, as sums over blocks."""

from twolayer.distributed.worker_log import leave_out_own_errors

leave_out_own_errors()  # in every process that runs a task of ours
