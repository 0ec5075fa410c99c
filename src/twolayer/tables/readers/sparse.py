"""Sparse tables: svmlight and Matrix Market, whose columns are called x1, x2, ..."""

from __future__ import annotations

import io
from typing import Any

from twolayer import checks
from twolayer.tables.readers import matrix_market
from twolayer.tables.readers.arrays import array_table
from twolayer.tables.readers.file_format import FileFormat, ReadOptions, check_claimed_size
from twolayer.tables.readers.read_errors import parsing_errors
from twolayer.tables.readers.text_files import Lines, open_bytes
from twolayer.tables.table import Table, number_text, numbered_names


def read_svmlight(path: str, source: Any, _options: ReadOptions) -> Table:
    """Return the inputs, and a last column `target`."""
    import scipy.sparse
    from sklearn.datasets import load_svmlight_file

    with parsing_errors(path, "svmlight"):
        bytes_ = source if isinstance(source, str) else source.getvalue()
        with open_bytes(bytes_, path) as file:
            x, y = load_svmlight_file(file)
    check_claimed_size(path, source, x.shape[1], "columns")
    names = [*numbered_names(x.shape[1]), "target"]
    numbers = scipy.sparse.csr_array(scipy.sparse.hstack([x, y[:, None]]))
    return Table(path, names, numbers, {"target": [number_text(value) for value in y]})


def read_matrix_market(path: str, source: Any, _options: ReadOptions) -> Table:
    """Return the matrix in a Matrix Market file."""
    file = open_bytes(source if isinstance(source, str) else source.getvalue(), path)
    with io.TextIOWrapper(file, encoding="utf-8") as text:
        lines = Lines(path, text)
        matrix = matrix_market.read(
            path, lines, lambda count, what: check_claimed_size(path, source, count, what)
        )
    if not checks.is_sparse(matrix):
        return array_table(path, matrix)
    return Table(path, numbered_names(matrix.shape[1]), matrix)


SVMLIGHT = FileFormat((".svm", ".svmlight", ".libsvm"), read_svmlight)
MATRIX_MARKET = FileFormat((".mtx",), read_matrix_market, start=b"%%MatrixMarket")
