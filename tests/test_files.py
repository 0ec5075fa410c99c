"""What is written goes down to the disk, what is read is measured first; expected from the formats and the system's manual."""

import os
import socket
import stat
import struct

import pytest

from twolayer import FileError, files


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


posix_only = pytest.mark.skipif(
    os.name != "posix", reason="modes, links and pipes as POSIX has them"
)


@posix_only
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_keeps_its_mode_and_owner(tmp_path, mode):
    path = tmp_path / "m"
    path.write_bytes(b"old")
    path.chmod(mode)
    if os.getuid() == 0:
        os.chown(path, 1234, 1234)
    before = path.stat()
    files.write_files({path: b"new"})
    after = path.stat()
    assert path.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


@posix_only
def test_a_private_file_is_private_while_it_is_written(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b"old")
    path.chmod(0o600)
    with files.pending_files(path) as (file,):
        assert stat.S_IMODE(file.temporary.stat().st_mode) == 0o600


@posix_only
def test_what_is_no_file_to_write_stays(tmp_path):
    pipe, server = tmp_path / "pipe", socket.socket(socket.AF_UNIX)
    os.mkfifo(pipe)
    here = os.getcwd()
    os.chdir(tmp_path)  # a socket's name must be short
    server.bind("socket")
    os.chdir(here)
    (tmp_path / "round").symlink_to(tmp_path / "round")
    (tmp_path / "to-the-pipe").symlink_to(pipe)
    closed = tmp_path / "closed"
    closed.write_bytes(b"mine")
    closed.chmod(0o444)
    before = sorted(tmp_path.iterdir())
    device = "is a device, a pipe or a socket"
    for path, said in [
        (pipe, device),
        (tmp_path / "socket", device),
        ("/dev/null", device),
        (tmp_path / "to-the-pipe", device),
        (tmp_path / "round", "lead in a circle"),
        (closed, "read-only"),
        (tmp_path, "is a folder"),
    ]:
        with pytest.raises(FileError, match=f"cannot be written: .*{said}"):
            files.write_files({tmp_path / "other": b"1", path: b"2"})
    server.close()
    assert sorted(tmp_path.iterdir()) == before
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert closed.read_bytes() == b"mine"


@posix_only
def test_links_are_followed_to_the_file(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "further").symlink_to("link")
    (tmp_path / "to-nothing").symlink_to("new")
    files.write_files({tmp_path / "further": b"1", tmp_path / "to-nothing": b"2"})
    assert (tmp_path / "further").is_symlink()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"1"
    assert (tmp_path / "new").read_bytes() == b"2"


@posix_only
def test_leftovers_go_and_what_another_run_writes_stays(tmp_path):
    path = tmp_path / "m"
    left = path.with_name(f"{files._temporary_prefix(path)}0123456789abcdef.tmp")
    left.write_bytes(b"half")
    with files.pending_files(path) as (first,):
        assert not left.exists()
        first.write(b"first")
        files.write_files({path: b"second"})
        assert first.temporary.exists()
    assert path.read_bytes() == b"first"
    assert [one.name for one in tmp_path.iterdir()] == ["m"]
