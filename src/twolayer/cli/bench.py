"""`twolayer bench`: ours beside the peers, on the same arrays, in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Smaller rows and fewer rounds: under a minute.")
    ] = False,
    rows: Annotated[
        str, typer.Option(help="Rows to run, with commas; all of them if left out.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for bench.json, bench.md and bench.png.")
    ] = None,
) -> None:
    """Time twolayer and its peers in turn; print medians, spread, ratios, and the machine's floor."""
    import json
    from dataclasses import asdict
    from datetime import UTC, datetime

    from twolayer import checks
    from twolayer.bench import choosing, machine, report, scaling
    from twolayer.bench.rows import ROWS
    from twolayer.errors import FileError, InputError

    extras = ("scaling", "choosing", "fresh")
    known = [*ROWS, *extras]
    names = [name.strip() for name in rows.split(",") if name.strip()] or known
    if quick and not rows:
        names = [name for name in known if name not in ("sparse", "choosing", "fresh")]
    for name in names:
        if name not in known:
            raise InputError(
                f"there is no row '{name}': choose from {', '.join(known)}{checks.nearest(name, known)}"
            )
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"the folder {out} cannot be made: {error.strerror}") from None
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
