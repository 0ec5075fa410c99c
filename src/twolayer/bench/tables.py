"""How much time and memory tables take: `python -m twolayer.bench.tables` prints it.

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WIDE = (187, 20_000)
LONG = (5_000, 30)
MOST = """
import sys, time
def most():  # bytes; what getrusage says begins with the process that started this one
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
        file.write(str(most()))
"""
READ = """
from twolayer import tables
tables.read_table(sys.argv[1])
before, start = most(), time.perf_counter()
tables.read_table(sys.argv[2])
print(time.perf_counter() - start, most() - before)
"""


@dataclass(frozen=True)
class Took:
    """What a process took: seconds of the clock, seconds of a processor, and the most memory, in MB."""

    wall: float
    processor: float
    memory: float


def ran(folder: Path, arguments: list[str]) -> Took:
    """Run the command line in a process of its own."""
    note, start = folder / "most", time.perf_counter()
    command = [sys.executable, "-c", MOST + COMMAND, str(note), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall, process.returncode = time.perf_counter() - start, os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"twolayer {' '.join(arguments)} ended with {process.returncode}")
    return Took(wall, used.ru_utime + used.ru_stime, int(note.read_text()) / 1e6)


# ---- tables


def rows(shape: tuple[int, int], digits: int) -> tuple[list[str], np.ndarray]:
    """Lines of random numbers, and a target that depends on the first few columns."""
    x = np.random.default_rng(0).standard_normal(shape)
    lines = [",".join(map(f"%.{digits}f".__mod__, row)) for row in x.tolist()]
    return lines, x[:, 0] + x[:, 1] * x[:, 2] > 0


def small(path: Path, lines: list[str], ill: np.ndarray) -> None:
    """The table to learn from: names, numbers and a target."""
    n_columns = lines[0].count(",") + 1
    with path.open("w") as file:
        file.write(f"sample,{header(n_columns)},state\n")
        for i, (line, state) in enumerate(zip(lines, ill, strict=True)):
            file.write(f"S{i:09d},{line},{'ill' if state else 'well'}\n")


def repeated(lines: list[str], size: float) -> Iterator[str]:
    """A table of so many bytes: the same rows over and over, each with a name of its own."""
    yield f"sample,{header(lines[0].count(',') + 1)}\n"
    done = i = 0
    while done < size:
        block = "".join(f"S{i + k:09d},{line}\n" for k, line in enumerate(lines))
        i, done = i + len(lines), done + len(block)
        yield block


def header(n_columns: int) -> str:
    """The columns' names."""
    return ",".join(f"g{j}" for j in range(n_columns))


# ---- predict


def predicting(folder: Path, size: float) -> None:
    """`twolayer predict` of tables of that many bytes."""
    print("| predict | columns | rows | size | seconds | of a processor | MB/s | memory |")
    print("|---" * 8 + "|")
    for shape, digits in ((LONG, 6), (WIDE, 3)):
        lines, ill = rows(shape, digits)
        small(folder / "small.csv", lines, ill)
        ran(folder, ["fit", str(folder / "small.csv"), "--target", "state", "--n-hidden", "20", "--alpha", "1", "--quiet",
             "--out", str(folder)])  # fmt: skip
        path = folder / "large.csv"
        with path.open("w") as file:
            file.writelines(repeated(lines, size))
        n_rows = told(path, folder, "answers.csv", shape[1])
        if shape == LONG:
            others(folder, path, n_rows, shape[1])
        path.unlink()


def others(folder: Path, path: Path, n_rows: int, n_columns: int) -> None:
    """The same table in other kinds of file, and with more written."""
    import polars

    told(path, folder, "answers.parquet", n_columns, ["--proba"], n_rows)
    packed = folder / "large.csv.gz"
    with path.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as file:
        shutil.copyfileobj(source, file, 1 << 20)
    told(packed, folder, "answers.csv", n_columns, [], n_rows)
    packed.unlink()
    for name, group in (("groups", 100_000), ("one group", n_rows)):
        stored = folder / "large.parquet"
        frame = polars.scan_csv(path, row_index_name="row")
        frame = frame.with_columns(polars.col("^g.*$") + polars.col("row") * 1e-9)  # none the same
        frame.drop("row").sink_parquet(stored, row_group_size=group)
        told(stored, folder, "answers.csv", n_columns, [], n_rows, f", rows in {name}")
        stored.unlink()


def told(
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
    took = ran(
        folder,
        ["predict", str(model), str(path), "--out", str(folder / out), "--quiet", *(more or [])],
    )
    if not n_rows:
        with (folder / out).open("rb") as file:
            n_rows = sum(1 for _ in file) - 1
    size = path.stat().st_size
    what = f"{''.join(path.suffixes)}{how} to {Path(out).suffix}{''.join(f' {word}' for word in more or [])}"
    print(f"| {what} | {n_columns:,} | {n_rows:,} | {size / 1e9:.2f} GB | {took.wall:.0f} | {took.processor:.0f} | "
          f"{size / 1e6 / took.wall:.0f} | {took.memory:.0f} MB |", flush=True)  # fmt: skip
    return n_rows


# ---- read and fit


def reading(folder: Path) -> None:
    """187 rows of 20,000 numbers in each kind of file."""
    print(
        "| 187 × 20,000 as | size | read | memory to read | fit | of a processor | memory of fit |"
    )
    print("|---" * 7 + "|")
    lines, ill = rows(WIDE, 3)
    for suffix, write in writers().items():
        few, many = folder / f"few{suffix}", folder / f"many{suffix}"
        write(few, [",".join(line.split(",")[:8]) for line in lines[:20]], ill[:20])
        write(many, lines, ill)
        seconds, memory = read(few, many)
        size = many.stat().st_size
        target = {".svm": "target", ".npy": "x20001", ".mtx": "x20001"}.get(suffix, "state")
        took = ran(folder, ["fit", str(many), "--target", target, "--quiet", "--out", str(folder)])
        share = f"{memory / 1e6:.0f} MB, {memory / size:.1f} × the file"
        cells = [suffix, f"{size / 1e6:.1f} MB", f"{seconds:.2f} s", share]
        cells += [f"{took.wall:.1f} s", f"{took.processor:.1f} s", f"{took.memory:.0f} MB"]
        print(f"| {' | '.join(cells)} |", flush=True)


def read(few: Path, many: Path) -> tuple[float, float]:
    """Seconds and bytes that reading takes, the libraries loaded for a smaller file of the kind before."""
    command = [sys.executable, "-c", MOST + READ, str(few), str(many)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, memory = map(float, done.stdout.split())
    return seconds, memory


def writers() -> dict[str, Callable[[Path, list[str], np.ndarray], None]]:
    """How each kind of file is written."""
    import polars
    import scipy.io
    import scipy.sparse
    from sklearn.datasets import dump_svmlight_file

    def numbers(lines: list[str]) -> np.ndarray:
        return np.array([line.split(",") for line in lines], dtype=float)

    def frame(lines: list[str], ill: np.ndarray) -> polars.DataFrame:
        x = numbers(lines)
        columns = {f"g{j}": x[:, j] for j in range(x.shape[1])}
        return polars.DataFrame({**columns, "state": np.where(ill, "ill", "well")})

    def both(lines: list[str], ill: np.ndarray) -> np.ndarray:
        return np.column_stack([numbers(lines), ill])

    def tsv(path: Path, lines: list[str], ill: np.ndarray) -> None:
        small(path.with_suffix(""), lines, ill)
        text = path.with_suffix("").read_text().replace(",", "\t")
        path.write_bytes(gzip.compress(text.encode(), compresslevel=1))

    return {
        ".csv": small,
        ".tsv.gz": tsv,
        ".parquet": lambda path, lines, ill: frame(lines, ill).write_parquet(path),
        ".arrow": lambda path, lines, ill: frame(lines, ill).write_ipc(path),
        ".npy": lambda path, lines, ill: np.save(path, both(lines, ill)),
        ".npz": lambda path, lines, ill: np.savez_compressed(path, x=numbers(lines), state=ill),
        ".svm": lambda path, lines, ill: dump_svmlight_file(numbers(lines), ill, str(path)),
        ".mtx": lambda path, lines, ill: scipy.io.mmwrite(
            path, scipy.sparse.coo_array(both(lines, ill))
        ),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m twolayer.bench.tables", description=__doc__)
    parser.add_argument(
        "--gigabytes", type=float, default=5.0, help="size of the tables to predict"
    )
    parser.add_argument("--only", choices=["predict", "fit"], help="one of the two")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.only != "fit":
            predicting(Path(folder), asked.gigabytes * 1e9)
            print()
        if asked.only != "predict":
            reading(Path(folder))


if __name__ == "__main__":
    main()
