"""The commands, one file each: parse, call, print. A new one is a file here, and a line of COMMANDS in `cli/main.py`."""
