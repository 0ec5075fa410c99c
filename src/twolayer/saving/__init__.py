"""Models as files: one safetensors file each, with text beside the numbers and never code."""

from twolayer.files import write_whole
from twolayer.saving.file import as_bytes, load, read, save

__all__ = ["as_bytes", "load", "read", "save", "write_whole"]
