"""Training: the loop, its batches, which engine, checkpoints, Ctrl-C and threads."""
