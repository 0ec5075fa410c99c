"""From any table to columns of numbers: readers, what each column holds, its encoding, and the joining of two files."""

from twolayer.tables.column_kinds import ColumnKinds, column_kinds
from twolayer.tables.dataset import (
    Dataset,
    TableOptions,
    left_out_reasons,
    read_dataset,
    requested_table,
    weight_column,
    with_target_path,
)
from twolayer.tables.encoder import Encoder, EncodingReport
from twolayer.tables.readers.formats import read_table, stream_table
from twolayer.tables.table import Table, looks_transposed, missing_column_error
from twolayer.tables.target import TASKS, Target, read_target

__all__ = [
    "TASKS",
    "ColumnKinds",
    "Dataset",
    "Encoder",
    "EncodingReport",
    "Table",
    "TableOptions",
    "Target",
    "column_kinds",
    "left_out_reasons",
    "looks_transposed",
    "missing_column_error",
    "read_dataset",
    "read_table",
    "read_target",
    "requested_table",
    "stream_table",
    "weight_column",
    "with_target_path",
]
