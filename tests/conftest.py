"""What every test stands on: one BLAS thread, and examples that are the same on every machine however fast it is."""

import os
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, settings

collect_ignore = ["tutorial/scripts"]  # programs that are checked, not imported

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # two processes of tests share a machine of two cores

AT_ANY_SPEED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeatable", derandomize=True, **AT_ANY_SPEED)
settings.register_profile("random", **AT_ANY_SPEED)
settings.load_profile("repeatable")

SAY_LITTLE = (
    "check_estimator_sparse_matrix",  # as arrays in the same seven forms: check_estimator_sparse_array
    "_train(readonly_memmap=True",  # check_readonly_memmap_input has read-only tables
    "CV(alphas=[0.1,1.0],cv=2,max_iter=50,n_hidden=5,n_networks=2)-check_estimator_sparse_array",
    "TwoLayerClassifier(n_networks=1)-check_estimator_sparse_array",
)
EVERY = {
    5: 2,
    8: 4,
}  # of more cases of one test than that `make test` takes every second, or every fourth
ALL_TAKEN = "test_scikit_learns_own_checks"


def pytest_collection_modifyitems(items):
    """Leave to `make test-all` what says little beyond the rest: some of scikit-learn's checks, most of very many cases."""
    cases = defaultdict(list)
    for item in items:
        if any(part in item.name for part in SAY_LITTLE):
            item.add_marker(pytest.mark.slow)
        elif not item.get_closest_marker("slow") and ALL_TAKEN not in item.name:
            cases[item.nodeid.partition("[")[0]].append(item)
    for own in cases.values():
        every = max((step for many, step in EVERY.items() if len(own) > many), default=1)
        for k, item in enumerate(own):
            if k % every:
                item.add_marker(pytest.mark.slow)


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
    from command_line import done

    return lambda *arguments: done(capsys, *arguments)


@pytest.fixture
def blank_pictures(monkeypatch):
    """Pictures are made and not painted, for tests that ask about something else: painting takes most of a report."""
    from twolayer import plots

    white = plots.png(plots.new_axes().figure, 10)
    monkeypatch.setattr(plots, "png", lambda figure, dots_an_inch=150: white)
