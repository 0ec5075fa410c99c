"""The pictures: what was drawn is what was given."""

import struct
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from twolayer import InputError, plots


def test_what_is_drawn():
    losses = [8.0, 4.0, 1e-3]
    ax = plots.loss_curve(losses, title="iris", ylabel="log loss")
    (line,) = ax.get_lines()
    assert line.get_xdata().tolist() == [0, 1, 2]
    assert line.get_ydata().tolist() == losses
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "log loss")
    assert ax.get_title(loc="left") == "iris"
    assert ax.get_yscale() == "log"


@pytest.mark.parametrize("losses", [[1.0, 0.0], [1.0, -2.0, 3.0]])
def test_no_logarithm_where_there_is_none(losses):
    assert plots.loss_curve(losses).get_yscale() == "linear"


def test_an_axes_that_is_given_is_used():
    ax = Figure().add_subplot()
    assert plots.loss_curve([3.0, 2.0], ax, label="first") is ax
    plots.loss_curve([2.0, 1.0], ax, label="second")
    assert [line.get_label() for line in ax.get_lines()] == ["first", "second"]


def test_many_networks_are_thin_lines_and_a_median():
    losses = np.array([[1.0, 2.0, 9.0], [1.0, 1.5, 0.5]])
    lines = plots.loss_curve(losses).get_lines()
    assert [line.get_ydata().tolist() for line in lines[:3]] == losses.T.tolist()
    assert lines[3].get_ydata().tolist() == [2.0, 1.0]
    assert lines[3].get_linewidth() > lines[0].get_linewidth()


def test_very_many_steps_are_thinned_out_but_both_ends_stay():
    losses = np.linspace(2, 1, 100_001)
    (line,) = plots.loss_curve(losses).get_lines()
    assert len(line.get_xdata()) <= plots.MAX_POINTS
    assert line.get_xdata()[[0, -1]].tolist() == [0, 100_000]
    assert np.array_equal(line.get_ydata(), losses[line.get_xdata()])


@pytest.mark.parametrize(
    ("losses", "labels"),
    [
        ([1.0003, 1.0002, 1.0], ["1", "1.0003"]),  # hardly any change
        (np.geomspace(3, 0.1, 20), ["0.1", "0.2", "0.5", "1", "2"]),
        (np.geomspace(3e7, 1, 20), ["$\\mathdefault{10^{2}}$", "$\\mathdefault{10^{6}}$"]),
    ],
)
def test_the_axis_can_be_read_whatever_the_range(losses, labels):
    ax = plots.loss_curve(losses)
    ax.figure.draw_without_rendering()
    low, high = ax.get_ylim()
    shown = [
        tick.label1.get_text()
        for tick in ax.yaxis.get_major_ticks()
        if low <= tick.get_loc() <= high
    ]
    assert set(labels) <= set(shown)
    assert 3 <= len(shown) <= 10


def test_one_step_is_a_dot():
    ax = plots.loss_curve([3.0])
    assert ax.get_lines()[0].get_marker() == "o"
    assert ax.get_xticks().tolist() == [0]


@pytest.mark.parametrize("losses", [[], 3.0, np.zeros((2, 2, 2)), [np.nan]])
def test_nothing_to_draw(losses):
    with pytest.raises(InputError, match="losses must be an array of numbers with 1 or 2 axes"):
        plots.loss_curve(losses)


def test_a_png_of_the_right_size():
    content = plots.png(plots.loss_curve([2.0, 1.0]).figure, dots_per_inch=100)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (640, 400)


def test_pyplot_and_its_state_are_left_alone():
    code = (
        "import sys; from twolayer import plots; plots.png(plots.loss_curve([2, 1]).figure);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
