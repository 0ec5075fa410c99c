"""How fast: `python -m benchmarks [ROWS...]` times ours and the peers, on the same arrays, in turn."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks import speed_report as report
from benchmarks.arguments import word_of
from benchmarks.cold_start import cold_start
from benchmarks.engine_choice import engine_choices
from benchmarks.rows import ROWS
from benchmarks.width_scaling import width_scaling

SLOW = (
    "p1-float32",
    "wide-weak",
    "sparse",
    "engine-choice",
    "cold-start",
)  # rows that --quick leaves out


def main(arguments: list[str] | None = None) -> None:
    """Print medians, spread, ratios, and the machine's floor; write them where --out says."""
    known = [*ROWS, "scaling", "engine-choice", "cold-start"]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time twolayer and its peers in turn; print medians, spread, ratios, and the machine's floor.",
        epilog="Others: python -m benchmarks chart | quality | leftout | tables | exports | gpu | page | cluster | kills, "
        "each with --help.",
    )
    parser.add_argument(
        "rows",
        nargs="*",
        type=word_of(known),
        metavar="row",
        help=f"of {', '.join(known)}; default: all of them",
    )
    parser.add_argument("--quick", action="store_true", help="smaller rows and fewer rounds")
    parser.add_argument("--out", type=Path, help="folder for bench.json, bench.md and bench.png")
    options = parser.parse_args(arguments)
    rows = options.rows or [name for name in known if not (options.quick and name in SLOW)]
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    result = measure_rows(rows, options.quick)
    if options.out is not None:
        write_figures(result, options.out)


def measure_rows(names: list[str], quick: bool) -> dict[str, Any]:
    """The figures of these rows, each printed as soon as it is there."""
    print("measuring the machine ...", flush=True)
    at_best = machine.measure_machine()
    rates = {"operations": at_best.operations, "bandwidth": at_best.bandwidth}
    result = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "quick": quick,
        "machine": {**at_best.description, **rates},
    }
    print("\n".join(report.machine_lines(result)) + "\n", flush=True)
    result["rows"] = report.run_rows(
        [name for name in names if name in ROWS],
        at_best,
        quick,
        lambda text: print(text + "\n", flush=True),
    )
    if "scaling" in names:
        result["width_scaling"] = width_scaling(at_best, quick)
        print("\n".join(report.scaling_lines(result)[1:]) + "\n", flush=True)
    if "engine-choice" in names:
        result["engine_choice"] = engine_choices(quick)
        print("\n".join(report.engine_choice_lines(result)[1:]) + "\n", flush=True)
    if "cold-start" in names:
        result["cold_start"] = cold_start()
        print("\n".join(report.cold_start_lines(result)[1:]) + "\n", flush=True)
    return result


def write_figures(result: dict[str, Any], folder: Path) -> None:
    """The figures as JSON, Markdown and, of rows, a picture."""
    (folder / "bench.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (folder / "bench.md").write_text(report.speed_markdown(result), encoding="utf-8")
    if result["rows"]:
        report.draw_ratios(result, folder / "bench.png")
    print(f"written: bench.json, bench.md and bench.png in {folder}")


if __name__ == "__main__":
    main()
