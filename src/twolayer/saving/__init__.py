"""Models as files: one safetensors file each, with text beside the numbers and never code."""

from twolayer.saving.file import as_bytes, load, read, save, write_whole

__all__ = ["as_bytes", "load", "read", "save", "write_whole"]
