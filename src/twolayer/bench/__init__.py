"""The benchmarks: ours and the peers on the same arrays, in turn, in one process, with the machine's floor beside them."""
