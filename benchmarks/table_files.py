"""How much time and memory tables take: `python -m benchmarks tables` prints it.

First `twolayer predict` of a long table and of a wide one, made here by repeating rows under new names: `--gigabytes 5` sets
their size. Then 187 rows of 20,000 numbers in each kind of file: reading it, and all of `twolayer fit`. Everything runs in a
process of its own; memory is the most that process ever held.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.synthetic_tables import random_lines, repeated_lines, table_writers, write_csv

WIDE_SHAPE = (187, 20_000)
LONG_SHAPE = (5_000, 30)
PEAK_MEMORY = """
import sys, time
def peak_memory():  # bytes; what getrusage says begins with the process that started this one
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except OSError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
"""
COMMAND = """
from twolayer.cli.main import main
try:
    main(sys.argv[2:])
finally:
    with open(sys.argv[1], "w") as file:
        file.write(str(peak_memory()))
"""
READING = """
from twolayer import tables
tables.read_table(sys.argv[1])
before, start = peak_memory(), time.perf_counter()
tables.read_table(sys.argv[2])
print(time.perf_counter() - start, peak_memory() - before)
"""


@dataclass(frozen=True)
class Usage:
    """What a process took: seconds of the clock, seconds of a processor, and the most memory, in MB."""

    wall: float
    processor: float
    memory: float


def run_command(folder: Path, arguments: list[str]) -> Usage:
    """Run the command line in a process of its own."""
    note, start = folder / "peak", time.perf_counter()
    command = [sys.executable, "-c", PEAK_MEMORY + COMMAND, str(note), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall, process.returncode = time.perf_counter() - start, os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"twolayer {' '.join(arguments)} ended with {process.returncode}")
    return Usage(wall, used.ru_utime + used.ru_stime, int(note.read_text()) / 1e6)


def measure_predict(folder: Path, size: float) -> None:
    """`twolayer predict` of tables of that many bytes."""
    print("| predict | columns | rows | size | seconds | of a processor | MB/s | memory |")
    print("|---" * 8 + "|")
    for shape, digits in ((LONG_SHAPE, 6), (WIDE_SHAPE, 3)):
        lines, ill = random_lines(shape, digits)
        write_csv(folder / "small.csv", lines, ill)
        settings = ["--target", "state", "--n-hidden", "20", "--alpha", "1", "--quiet"]
        run_command(folder, ["fit", str(folder / "small.csv"), *settings, "--out", str(folder)])
        path = folder / "large.csv"
        with path.open("w") as file:
            file.writelines(repeated_lines(lines, size))
        n_rows = predict_once(path, folder, "answers.csv", shape[1])
        if shape == LONG_SHAPE:
            measure_other_files(folder, path, n_rows, shape[1])
        path.unlink()


def measure_other_files(folder: Path, path: Path, n_rows: int, n_columns: int) -> None:
    """The same table in other kinds of file, and with more written."""
    import polars

    predict_once(path, folder, "answers.parquet", n_columns, ["--proba"], n_rows)
    packed = folder / "large.csv.gz"
    with path.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as file:
        shutil.copyfileobj(source, file, 1 << 20)
    predict_once(packed, folder, "answers.csv", n_columns, [], n_rows)
    packed.unlink()
    for name, group in (("groups", 100_000), ("one group", n_rows)):
        stored = folder / "large.parquet"
        frame = polars.scan_csv(path, row_index_name="row")
        frame = frame.with_columns(polars.col("^g.*$") + polars.col("row") * 1e-9)  # none the same
        frame.drop("row").sink_parquet(stored, row_group_size=group)
        predict_once(stored, folder, "answers.csv", n_columns, [], n_rows, f", rows in {name}")
        stored.unlink()


def predict_once(
    path: Path,
    folder: Path,
    out: str,
    n_columns: int,
    more: list[str] | None = None,
    n_rows: int = 0,
    how: str = "",
) -> int:
    """Predict, say what it took, and return the number of rows."""
    model = folder / "small.twolayer.safetensors"
    usage = run_command(
        folder,
        ["predict", str(model), str(path), "--out", str(folder / out), "--quiet", *(more or [])],
    )
    if not n_rows:
        with (folder / out).open("rb") as file:
            n_rows = sum(1 for _ in file) - 1
    size = path.stat().st_size
    what = f"{''.join(path.suffixes)}{how} to {Path(out).suffix}{''.join(f' {word}' for word in more or [])}"
    print(f"| {what} | {n_columns:,} | {n_rows:,} | {size / 1e9:.2f} GB | {usage.wall:.0f} | {usage.processor:.0f} | "
          f"{size / 1e6 / usage.wall:.0f} | {usage.memory:.0f} MB |", flush=True)  # fmt: skip
    return n_rows


def measure_fit(folder: Path) -> None:
    """187 rows of 20,000 numbers in each kind of file."""
    print(
        "| 187 × 20,000 as | size | read | memory to read | fit | of a processor | memory of fit |"
    )
    print("|---" * 7 + "|")
    lines, ill = random_lines(WIDE_SHAPE, 3)
    for suffix, write in table_writers().items():
        few, many = folder / f"few{suffix}", folder / f"many{suffix}"
        write(few, [",".join(line.split(",")[:8]) for line in lines[:20]], ill[:20])
        write(many, lines, ill)
        seconds, memory = reading_cost(few, many)
        size = many.stat().st_size
        target = {".svm": "target", ".npy": "x20001", ".mtx": "x20001"}.get(suffix, "state")
        usage = run_command(
            folder, ["fit", str(many), "--target", target, "--quiet", "--out", str(folder)]
        )
        share = f"{memory / 1e6:.0f} MB, {memory / size:.1f} × the file"
        cells = [suffix, f"{size / 1e6:.1f} MB", f"{seconds:.2f} s", share]
        cells += [f"{usage.wall:.1f} s", f"{usage.processor:.1f} s", f"{usage.memory:.0f} MB"]
        print(f"| {' | '.join(cells)} |", flush=True)


def reading_cost(few: Path, many: Path) -> tuple[float, float]:
    """Seconds and bytes that reading takes, the libraries loaded for a smaller file of the kind before."""
    command = [sys.executable, "-c", PEAK_MEMORY + READING, str(few), str(many)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, memory = map(float, done.stdout.split())
    return seconds, memory


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tables", description=__doc__)
    parser.add_argument(
        "--gigabytes", type=float, default=5.0, help="size of the tables to predict"
    )
    parser.add_argument("--only", choices=["predict", "fit"], help="one of the two")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if options.only != "fit":
            measure_predict(Path(folder), options.gigabytes * 1e9)
            print()
        if options.only != "predict":
            measure_fit(Path(folder))


if __name__ == "__main__":
    main()
