"""From any table to columns of numbers: readers, what each column holds, its encoding, and the joining of two files."""

from twolayer.tables.asked import Asked, Data, data_of, reasons, table_of, weights_of, with_targets
from twolayer.tables.columns import Kinds, kinds
from twolayer.tables.encoder import Encoder, Found
from twolayer.tables.formats import read, stream
from twolayer.tables.table import Table, absent, listed, looks_turned
from twolayer.tables.target import TASKS, Target, target

__all__ = [
    "TASKS",
    "Asked",
    "Data",
    "Encoder",
    "Found",
    "Kinds",
    "Table",
    "Target",
    "absent",
    "data_of",
    "kinds",
    "listed",
    "looks_turned",
    "read",
    "reasons",
    "stream",
    "table_of",
    "target",
    "weights_of",
    "with_targets",
]
