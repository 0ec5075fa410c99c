"""What is written goes down to the disk, what is read is measured first; expected from the formats and the system's manual."""

import os
import stat
import struct

import pytest

from twolayer import files


@pytest.mark.skipif(os.name != "posix", reason="only there can a folder be opened")
def test_the_new_name_goes_down_to_the_disk_too(tmp_path, monkeypatch):
    """fsync(2): the file's own does not see to its entry in the folder, for which the folder has to be synced."""
    order, opened = [], []
    fsync, replace, opens = os.fsync, os.replace, os.open

    def synced(descriptor):
        order.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def counted(path, *args, **kwargs):
        opened.append(opens(path, *args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("replace"), replace(a, b)))
    monkeypatch.setattr(os, "open", counted)
    files.write_files({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    assert order == ["file", "file", "replace", "replace", "folder"]
    for descriptor in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_a_header_may_end_where_the_file_does(tmp_path):
    """A safetensors file without tensors: 8 bytes of length, then that many of JSON, and no more."""
    path = tmp_path / "m"
    path.write_bytes(struct.pack("<Q", 2) + b"{}")
    files.check_header_length(path)
    path.write_bytes(struct.pack("<Q", 3) + b"{}")
    with pytest.raises(files.DamagedError, match=r"claims 3 bytes, but the file has 10"):
        files.check_header_length(path)
