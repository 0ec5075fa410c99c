"""The picture is the same, whoever draws it."""

import sys

import numpy as np
import pytest

from twolayer import plots
from twolayer.cli import loss_picture
from twolayer.cli.loss_picture import Painter

LOSSES = np.exp(-np.arange(30.0))


@pytest.fixture
def fresh(monkeypatch):
    """As in a process that has not drawn yet."""
    monkeypatch.setattr(Painter, "drew", False)
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(loss_picture, "processors", lambda: 2)


def here():
    return plots.png(plots.loss_curve(LOSSES, title="a title", xlabel=plots.PASS_LABEL).figure)


def test_a_second_process_draws_the_same(fresh, monkeypatch):
    expected = here()
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    with Painter() as painter:
        assert painter.helper is not None
        assert painter.loss_curve(LOSSES, "a title") == expected
    assert "matplotlib.figure" not in sys.modules  # this process did not draw
    with Painter() as painter:
        assert painter.helper is None  # not twice


def test_a_second_process_that_fails_is_stood_in_for(fresh, monkeypatch):
    monkeypatch.setattr(loss_picture, "CODE", "raise SystemExit(3)")
    with Painter() as painter:
        assert painter.helper is not None
        assert painter.loss_curve(LOSSES, "a title") == here()


def test_no_process_is_left_behind(fresh, monkeypatch):
    monkeypatch.setattr(loss_picture, "CODE", "import time; time.sleep(60)")
    with pytest.raises(KeyboardInterrupt), Painter() as painter:
        raise KeyboardInterrupt
    assert painter.helper.returncode is not None


def test_on_one_processor_this_process_draws(fresh, monkeypatch):
    monkeypatch.setattr(loss_picture, "processors", lambda: 1)
    with Painter() as painter:
        assert painter.helper is None
        assert painter.loss_curve(LOSSES, "a title") == here()
