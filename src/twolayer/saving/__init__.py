"""Models as files: one safetensors file per model, which holds numbers and text, and no code."""

from twolayer.files import write_files
from twolayer.saving.model_file import load, model_bytes, read_model, save

__all__ = ["load", "model_bytes", "read_model", "save", "write_files"]
