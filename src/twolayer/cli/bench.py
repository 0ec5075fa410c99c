"""`twolayer bench`: ours beside the peers, on the same arrays, in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SLOW = ("p1-float32", "wide-weak", "sparse", "choosing", "fresh")  # rows that --quick leaves out


def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Smaller rows and fewer rounds: under two minutes.")
    ] = False,
    quality: Annotated[
        bool,
        typer.Option(
            "--quality",
            help="How well it predicts, on the tables of TWOLAYER_DATA, instead of seconds.",
        ),
    ] = False,
    rows: Annotated[
        str,
        typer.Option(
            help="Rows (with --quality: tables) to run, with commas; all of them if left out."
        ),
    ] = "",
    against: Annotated[
        str,
        typer.Option(
            help="With --quality: the models to compare with on wide tables, with commas, by the beginnings of their "
            "names; all of them if left out."
        ),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for bench.json, bench.md and bench.png; for quality.json and quality.md."
        ),
    ] = None,
) -> None:
    """Time twolayer and its peers in turn; print medians, spread, ratios, and the machine's floor."""
    import json
    from dataclasses import asdict
    from datetime import UTC, datetime

    from twolayer.bench import choosing, machine, report, scaling
    from twolayer.bench.rows import ROWS
    from twolayer.cli import output_paths

    if quality:
        measure_quality(quick, rows, against, out)
        return
    extras = ("scaling", "choosing", "fresh")
    known = [*ROWS, *extras]
    names = chosen(rows, known)
    if quick and not rows:
        names = [name for name in known if name not in SLOW]
    if out is not None:
        output_paths.make_folder(out)
    print("measuring the machine ...", flush=True)
    at_best = machine.measure()
    about = {**at_best.about, **asdict(at_best)}
    about.pop("about")
    print(
        f"{about['processor']}, {about['processors']} processors; matrix products at "
        + ", ".join(
            f"{rate / 1e9:.0f} Gflop/s ({dtype})" for dtype, rate in at_best.operations.items()
        )
        + f"; copies at {at_best.bandwidth / 1e9:.1f} GB/s\n",
        flush=True,
    )
    result = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "quick": quick,
        "machine": about,
        "rows": report.run_rows(
            [name for name in names if name in ROWS],
            at_best,
            quick,
            lambda text: print(text + "\n", flush=True),
        ),
    }
    if "scaling" in names:
        result["scaling"] = scaling.scaling(at_best, quick)
        print("\n".join(report.scaling_lines(result)[1:]) + "\n", flush=True)
    if "choosing" in names:
        result["choosing"] = choosing.choosing(quick)
        print("\n".join(report.choosing_lines(result)[1:]) + "\n", flush=True)
    if "fresh" in names:
        result["fresh_process"] = scaling.fresh_process()
        print("\n".join(report.fresh_lines(result)[1:]) + "\n", flush=True)
    if out is not None:
        (out / "bench.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        (out / "bench.md").write_text(report.markdown(result), encoding="utf-8")
        if result["rows"]:
            report.picture(result, out / "bench.png")
        print(
            f"written: {', '.join(str(out / name) for name in ('bench.json', 'bench.md', 'bench.png'))}"
        )


def chosen(rows: str, known: list[str]) -> list[str]:
    """The names asked for, or all."""
    from twolayer import checks
    from twolayer.errors import InputError

    names = [name.strip() for name in rows.split(",") if name.strip()] or known
    for name in names:
        if name not in known:
            raise InputError(
                f"there is no row '{name}': choose from {', '.join(known)}{checks.closest_name(name, known)}"
            )
    return names


def measure_quality(quick: bool, rows: str, against: str, out: Path | None) -> None:
    """The tables of predictions, written anew after each table."""
    import json
    from datetime import UTC, datetime
    from functools import partial

    from twolayer.bench import machine, quality
    from twolayer.cli import output_paths

    known = [*quality.WIDE, *quality.UCI]
    names = chosen(rows, [*quality.QUICK_WIDE, *quality.QUICK_UCI] if quick and not rows else known)
    if out is not None:
        output_paths.make_folder(out)
    about = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "quick": quick,
        "machine": machine.about(),
    }

    def keep(result: quality.Figures) -> None:
        if out is not None:
            result = {**about, **result}
            (out / "quality.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
            (out / "quality.md").write_text(quality.markdown(result), encoding="utf-8")

    models = [name.strip() for name in against.split(",") if name.strip()]
    result = quality.run(quick, names, partial(print, flush=True), keep, models)
    keep(result)
    print("\n" + quality.markdown({**about, **result}))
    if out is not None:
        print(f"written: {out / 'quality.json'}, {out / 'quality.md'}")
