"""From any table to columns of numbers: readers, what each column holds, its encoding, and the joining of two files."""

from twolayer.tables.formats import read, stream
from twolayer.tables.table import Table, absent, listed
from twolayer.tables.target import TASKS, Target, target

__all__ = ["TASKS", "Table", "Target", "absent", "listed", "read", "stream", "target"]
