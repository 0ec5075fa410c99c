"""Tables of random numbers, written in each kind of file."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np


def random_lines(shape: tuple[int, int], digits: int) -> tuple[list[str], np.ndarray]:
    """Lines of random numbers, and a target that depends on the first few columns."""
    x = np.random.default_rng(0).standard_normal(shape)
    lines = [",".join(map(f"%.{digits}f".__mod__, row)) for row in x.tolist()]
    return lines, x[:, 0] + x[:, 1] * x[:, 2] > 0


def write_csv(path: Path, lines: list[str], ill: np.ndarray) -> None:
    """Write the table to learn from: names, numbers and a target."""
    n_columns = lines[0].count(",") + 1
    with path.open("w") as file:
        file.write(f"sample,{header(n_columns)},state\n")
        for i, (line, state) in enumerate(zip(lines, ill, strict=True)):
            file.write(f"S{i:09d},{line},{'ill' if state else 'well'}\n")


def repeated_lines(lines: list[str], size: float) -> Iterator[str]:
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


def table_writers() -> dict[str, Callable[[Path, list[str], np.ndarray], None]]:
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

    def with_target(lines: list[str], ill: np.ndarray) -> np.ndarray:
        return np.column_stack([numbers(lines), ill])

    def tsv(path: Path, lines: list[str], ill: np.ndarray) -> None:
        write_csv(path.with_suffix(""), lines, ill)
        text = path.with_suffix("").read_text().replace(",", "\t")
        path.write_bytes(gzip.compress(text.encode(), compresslevel=1))

    return {
        ".csv": write_csv,
        ".tsv.gz": tsv,
        ".parquet": lambda path, lines, ill: frame(lines, ill).write_parquet(path),
        ".arrow": lambda path, lines, ill: frame(lines, ill).write_ipc(path),
        ".npy": lambda path, lines, ill: np.save(path, with_target(lines, ill)),
        ".npz": lambda path, lines, ill: np.savez_compressed(path, x=numbers(lines), state=ill),
        ".svm": lambda path, lines, ill: dump_svmlight_file(numbers(lines), ill, str(path)),
        ".mtx": lambda path, lines, ill: scipy.io.mmwrite(
            path, scipy.sparse.coo_array(with_target(lines, ill))
        ),
    }
