"""The benchmarks, run from a checkout: `python -m benchmarks`. They are not part of the installed package."""
