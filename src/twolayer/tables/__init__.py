"""From any table to columns of numbers: readers, what each column holds, its encoding, and the joining of two files."""

from twolayer.tables.column_kinds import ColumnKinds, column_kinds
from twolayer.tables.column_roles import group_column, time_order, weight_column
from twolayer.tables.dataset import Dataset, read_dataset, requested_table, with_target_path
from twolayer.tables.encoded_dataset import EncodedDataset, encode_dataset
from twolayer.tables.encoder import Encoder, EncodingReport, left_out_reasons
from twolayer.tables.readers.formats import read_table, stream_table
from twolayer.tables.table import Table, check_model_columns
from twolayer.tables.table_options import TableOptions, as_tuple
from twolayer.tables.target import Target, read_target

__all__ = [
    "ColumnKinds",
    "Dataset",
    "EncodedDataset",
    "Encoder",
    "EncodingReport",
    "Table",
    "TableOptions",
    "Target",
    "as_tuple",
    "check_model_columns",
    "column_kinds",
    "encode_dataset",
    "group_column",
    "left_out_reasons",
    "read_dataset",
    "read_table",
    "read_target",
    "requested_table",
    "stream_table",
    "time_order",
    "weight_column",
    "with_target_path",
]
