"""What every test stands on: one BLAS thread, so that figures do not depend on how busy the machine is."""

import os

import pytest

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, with room beside it."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def twolayer(capsys):
    """Run a command: exit code, output, and what went to standard error."""
    from the_command_line import done

    return lambda *arguments: done(capsys, *arguments)
