"""Whether the compiled engine says nothing of what it compiles and where it keeps it."""

from contextvars import ContextVar

SILENT = ContextVar("SILENT", default=False)
