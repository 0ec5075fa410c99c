"""The chart of the ladder has a bar for every engine at hand, and all end with the same loss."""

from dataclasses import replace

import pytest

from benchmarks import ladder_chart, timing
from benchmarks.__main__ import main
from twolayer.engines import engines
from twolayer.tutorial.ladder import PROGRAMS


@pytest.fixture
def small(monkeypatch):
    """A ladder of few columns and steps."""
    program = replace(PROGRAMS["P1"], n_rows=8, n_inputs=30, n_hidden=5, n_outputs=3, steps=5)
    monkeypatch.setitem(ladder_chart.PROGRAMS, "P1", program)
    monkeypatch.setattr(timing, "PAUSE", 0)


def test_the_command_draws_and_prints_every_engine_at_hand(small, tmp_path, capsys):
    main(["chart", "--rounds", "2", "--out", str(tmp_path / "ladder.png")])
    told = capsys.readouterr().out
    names = [name for name, missing in engines().items() if missing is None]
    for name in [ladder_chart.OURS, ladder_chart.NUMPY_SPAN, *names]:
        assert ladder_chart.LABELS.get(name, name) in told
    assert "NOT FAIR" not in told
    assert (tmp_path / "ladder.png").read_bytes().startswith(b"\x89PNG")


def test_every_engine_has_a_label():
    assert set(engines()) == set(ladder_chart.LABELS)
