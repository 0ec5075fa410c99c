"""`twolayer warmup` from the command line; what it compiles is tested with the compiled engine."""

import pytest

from twolayer.cli.main import main


def test_it_says_what_it_compiles_and_when_it_is_ready(capfd):
    with pytest.raises(SystemExit) as left:
        main(["warmup"])
    assert left.value.code == 0
    told = capfd.readouterr().out
    for dtype in (
        "float64",
        "float32",
    ):  # the other dtype's lines come from a process beside this one
        assert f"Adam, {dtype}" in told
        assert f"L-BFGS, {dtype}" in told
    assert "ready for float64 and float32" in told


def test_an_unknown_dtype_is_refused(capsys):
    with pytest.raises(SystemExit) as left:
        main(["warmup", "--dtype", "float16"])
    assert left.value.code == 2
    assert "float64, float32 or both" in capsys.readouterr().err
