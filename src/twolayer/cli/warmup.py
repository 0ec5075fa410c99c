"""`twolayer warmup`: compile every kernel of the compiled engine now, so that no later run has to wait."""

from __future__ import annotations


def warmup() -> None:
    """Compile the compiled engine's kernels, once on this machine; they are kept on disk."""
    import time

    from twolayer.engines.compiled import warm_up

    start = time.perf_counter()
    for done, total, what in warm_up():
        print(f"compiling {done} of {total}: {what}", flush=True)
    print(f"the compiled engine is ready ({time.perf_counter() - start:.1f} s)")
