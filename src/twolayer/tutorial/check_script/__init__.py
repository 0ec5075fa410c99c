"""`twolayer check`: a learner's own script, run in a child process and compared with finite differences of its own loss.

`instrumentation` rewrites the script so that `recorder` sees every value; `probe` runs it again with other weights;
`forward_gradients` is the chain rule over the values; `judgement` and `diagnosis` compare; `messages` says it.
"""
