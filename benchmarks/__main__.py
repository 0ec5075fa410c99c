"""`python -m benchmarks`, from a checkout: the first word names a benchmark, and without one it is the speed of the rows."""

from __future__ import annotations

import sys
from importlib import import_module

SPEED = "speed"
COMMANDS = {  # word -> module, loaded when it is called; each has a `main`
    SPEED: "benchmarks.speed",
    "chart": "benchmarks.ladder_chart",
    "quality": "benchmarks.quality",
    "leftout": "benchmarks.left_out",
    "tables": "benchmarks.table_files",
    "exports": "benchmarks.export_agreement",
    "gpu": "benchmarks.gpu",
    "page": "benchmarks.page_rate",
    "kills": "benchmarks.cluster_kills",
    "cluster": "benchmarks.cluster_steps",
}


def main(arguments: list[str] | None = None) -> None:
    """Run one benchmark."""
    words = sys.argv[1:] if arguments is None else arguments
    name, rest = (words[0], words[1:]) if words and words[0] in COMMANDS else (SPEED, words)
    import_module(COMMANDS[name]).main(rest)


if __name__ == "__main__":
    main()
