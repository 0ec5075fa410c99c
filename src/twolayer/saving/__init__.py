"""Models as files: one safetensors file each, with text beside the numbers and never code."""

from twolayer.files import write_files
from twolayer.saving.model_file import load, model_bytes, read_model, save

__all__ = ["load", "model_bytes", "read_model", "save", "write_files"]
