"""Forged checkpoints, with the right checksum: a sentence, or a training that ends; never a traceback, never a crash.

What is right follows from the format: a row order is a permutation of the rows, Adam has counted the steps that were taken,
a memory has the shapes of the weights.
"""

import copy
import warnings

import numpy as np
import pytest

import twolayer as tl
from twolayer import FileError, InputError
from twolayer.inspection.training_history import TrainingHistory
from twolayer.training.checkpoint_file import MAX_NESTING, checkpoint_bytes, read_checkpoint

X = np.random.default_rng(0).standard_normal((30, 6))
Y = np.random.default_rng(1).standard_normal((30, 2))


class Killed(Exception):  # noqa: N818  no error, but what is tested
    """As if the process ended here."""


def train(path, die=False, rng=None, **settings):
    def callback(progress):
        if die and progress.step == 14:
            raise Killed

    kept = {"checkpoint": path, "checkpoint_every": 0, "resume": True}
    settings = {"learning_rate": 1e-3, "steps": 28, "callback_every": 7, **settings}
    state = 3 if rng is None else np.random.Generator(rng(3))
    params = tl.init_params(6, 4, 2)
    return tl.train(X, Y, params, callback=callback, random_state=state, **kept, **settings)


def fit(path, die=False, **settings):
    def callback(progress):
        if die and progress.step >= 6:
            raise Killed

    settings = {"callback": [TrainingHistory(), callback], "random_state": 0, **settings}
    model = tl.TwoLayerRegressor(4, alpha=1.0, n_networks=2, max_iter=12, **settings)
    with tl.checkpointed(path, every=0, resume=True):
        return model.fit(X, Y).predict(X)


TRAININGS = {
    "batches": (train, {"batch_size": 7, "momentum": 0.9, "engine": "numpy"}),
    "adam": (train, {"solver": "adam", "engine": "compiled", "batch_size": 2}),
    "lbfgs": (train, {"solver": "lbfgs", "engine": "numpy"}),
    "compiled lbfgs": (train, {"solver": "lbfgs", "engine": "compiled"}),
    "dropout": (train, {"solver": "adam", "dropout": 0.3}),
    "early stopping": (fit, {"early_stopping": True, "solver": "adam"}),
    "mersenne": (train, {"batch_size": 7, "rng": np.random.MT19937}),
}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Of each training the record of one killed in the middle."""
    folder = tmp_path_factory.mktemp("records")
    for name, (run, settings) in TRAININGS.items():
        with pytest.raises(Killed):
            run(folder / name, die=True, **settings)
    return {name: read_checkpoint(folder / name) for name in TRAININGS}


def set_entry(record, path, value):
    """Change an entry of the last call; None in the path is the only key there."""
    place = record["calls"][-1]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value


def resumed(records, path, name, where, value):
    """Resume the training from its record, in which an entry has another value."""
    record = copy.deepcopy(records[name])
    set_entry(record, where, value(entry(record, where)) if callable(value) else value)
    path.write_bytes(checkpoint_bytes({"calls": record["calls"]}))
    run, settings = TRAININGS[name]
    return run(path, **settings)


def entry(record, where):
    value = record["calls"][-1]
    for name in where:
        value = value[name]
    return value


BATCHES, MEMORY = ("inside", "batches"), ("inside", "engine", "memory")
RANDOM, ARRAYS = (*BATCHES, "random"), (*MEMORY, "arrays")
CALLBACKS = ("inside", "callback", "states")
STOPPING = (*CALLBACKS, 0)
FORGED = [
    ("batches", (*BATCHES, "order"), lambda order: order + 10**9),
    ("batches", (*BATCHES, "order"), lambda order: order * 0),
    ("batches", (*BATCHES, "order"), lambda order: np.append(order, 30)),
    ("batches", (*BATCHES, "order"), lambda order: order.astype(np.int32)),
    ("batches", (*BATCHES, "order"), [1, 2]),
    ("batches", (*BATCHES, "position"), 31),
    ("batches", (*BATCHES, "position"), -1),
    ("batches", (*BATCHES, "position"), 3),
    ("batches", (*BATCHES, "steps"), -1),
    ("batches", (*BATCHES, "seed"), 5),
    ("batches", (*BATCHES, "extra"), 1),
    ("batches", (*MEMORY, "velocity", "w1"), lambda w: w.T.copy()),
    ("batches", (*MEMORY, "velocity", "w1"), lambda w: w * np.nan),
    ("batches", (*MEMORY, "velocity"), None),
    ("batches", ("inside", "engine", "params", "w1"), lambda w: w.astype(np.float32)),
    ("batches", ("inside", "engine", "params", "w1"), lambda w: w * np.inf),
    ("batches", ("inside", "losses"), lambda losses: np.zeros(29)),
    ("batches", ("inside", "losses"), lambda losses: losses[:, None]),
    ("batches", ("inside", "losses"), [1.0]),
    ("batches", ("inside",), 5),
    ("batches", ("ends",), {}),
    ("batches", ("fingerprint",), []),
    ("batches", ("fingerprint", "settings", "steps"), np.zeros(3)),
    ("batches", (*RANDOM, "bit_generator"), "MT19937"),
    ("batches", (*RANDOM, "bit_generator"), np.zeros(2)),
    ("batches", (*RANDOM, "state", "state"), -1),
    ("batches", (*RANDOM, "state", "inc"), lambda inc: inc - 1),
    ("batches", (*RANDOM, "has_uint32"), 2),
    ("batches", (*RANDOM, "uinteger"), 2**32),
    ("mersenne", (*RANDOM, "state", "pos"), 10**6),
    ("mersenne", (*RANDOM, "state", "key"), np.zeros(3, np.uint32)),
    ("dropout", (*BATCHES, "seed"), -1),
    ("dropout", (*BATCHES, "seed"), None),
    ("adam", (*MEMORY, "steps"), 10**9),
    ("adam", (*MEMORY, "square", "w1"), lambda w: w - 1),
    ("adam", ("inside", "engine", "loops"), "yes"),
    ("lbfgs", (*MEMORY, "pairs"), [99]),
    ("lbfgs", (*MEMORY, "pairs"), [0, 0]),
    ("lbfgs", (*MEMORY, "loss"), None),
    ("lbfgs", (*MEMORY, "zero"), 5.0),
    ("lbfgs", (*MEMORY, "gradients"), 5),
    ("lbfgs", (*MEMORY, "changes_changes"), lambda products: products * 0),
    ("compiled lbfgs", (*ARRAYS, "pairs"), lambda pairs: pairs + 10**9),
    ("compiled lbfgs", (*ARRAYS, "counts"), lambda counts: counts + 10**6),
    ("compiled lbfgs", (*ARRAYS, "basis"), lambda basis: basis[:3]),
    ("early stopping", (*STOPPING, "networks"), lambda networks: networks[:1]),
    ("early stopping", (*STOPPING, "networks"), lambda networks: networks * 3),
    ("early stopping", (*STOPPING, "networks", 0, "params", "w1"), np.zeros((3, 3))),
    ("early stopping", (*STOPPING, "networks", 0, "scores"), []),
    ("early stopping", (*STOPPING, "networks", 0, "waiting"), -1),
    ("early stopping", (*STOPPING, "ended"), 7),
    ("early stopping", ("inside", "callback"), {"a": 1}),
    ("early stopping", CALLBACKS, []),
    ("early stopping", ("inside", "callback", "trained_networks"), "all"),
    ("early stopping", (*CALLBACKS, 1, "runs"), []),
    ("early stopping", (*CALLBACKS, 1, "runs", 0, "steps"), [10**9]),
    ("early stopping", (*CALLBACKS, 1, "last", "params", "w1"), np.zeros((3, 3))),
]


@pytest.mark.parametrize(("name", "where", "value"), FORGED)
def test_a_forged_entry_is_a_sentence(records, tmp_path, name, where, value):
    with pytest.raises(
        FileError, match=r"c cannot be read as a checkpoint: its record of"
    ) as error:
        resumed(records, tmp_path / "c", name, where, value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", TRAININGS)
def test_the_record_as_it_was_is_taken(records, tmp_path, name):
    resumed(records, tmp_path / "c", name, ("ends",), lambda ends: ends)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("params", {}),
        ("losses", np.zeros(3)),
        ("final_loss", np.nan),
        ("stopped", "interrupted"),
        ("stopped", "\x1b[2J"),
        ("batches", None),
    ],
)
def test_a_forged_end_is_a_sentence(tmp_path, name, value):
    train(tmp_path / "c")
    record = read_checkpoint(tmp_path / "c")
    record["calls"][0]["ends"][0][name] = value
    (tmp_path / "c").write_bytes(checkpoint_bytes({"calls": record["calls"]}))
    with pytest.raises(FileError, match=r"c cannot be read as a checkpoint: its record of"):
        train(tmp_path / "c")


def test_a_forged_divergence_is_a_sentence(tmp_path):
    def run():
        train(tmp_path / "c", learning_rate=1e9)

    with pytest.raises(tl.DivergedError):
        run()
    whole = read_checkpoint(tmp_path / "c")["calls"]
    for name, value in [("message", "\x1b[2J"), ("step", "x"), ("params", {}), ("losses", 3)]:
        calls = copy.deepcopy(whole)
        calls[0]["diverged"][name] = value
        (tmp_path / "c").write_bytes(checkpoint_bytes({"calls": calls}))
        with pytest.raises(FileError, match="its record of"):
            run()


def test_no_text_is_nested_without_end(tmp_path):
    deep: list = []
    for _ in range(MAX_NESTING):
        deep = [deep]
    with pytest.raises(InputError, match=f"nested more than {MAX_NESTING} deep"):
        checkpoint_bytes({"calls": deep})


def other_value(rng, value):
    """Another value in the place of this one."""
    strange = [None, True, -1, 7, 2**63, 10**400, 1.5, float("nan"), "", "x", [], {}, [[1]], {"a": 1},
               np.zeros(0), np.full(3, np.nan), np.zeros(()), np.arange(30) + 10**9]  # fmt: skip
    if isinstance(value, np.ndarray) and value.size and rng.random() < 0.7:
        forms = [value[:-1] if value.ndim else value[None], value[None], value.astype(np.int32)]
        changed = value.copy()
        changed.reshape(-1)[rng.integers(value.size)] = rng.choice([-1, 1e9, 0])
        return [*forms, changed, changed][rng.integers(5)]
    if isinstance(value, dict) and value and rng.random() < 0.7:
        left_out = rng.choice(list(value))
        return {name: one for name, one in value.items() if name != left_out}
    return strange[rng.integers(len(strange))]


def places(value, path=()):
    """Every place in a record."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in items:
        yield (*path, name)
        if isinstance(one, dict | list):
            yield from places(one, (*path, name))


@pytest.mark.parametrize("name", TRAININGS)
def test_any_forgery_is_a_sentence_or_a_training(records, tmp_path, name):
    rng = np.random.default_rng(sum(map(ord, name)))
    spots = list(places(records[name]["calls"][-1]))
    for k in range(25):
        where = spots[rng.integers(len(spots))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a changed weight may be large
            try:
                resumed(records, tmp_path / f"c{k}", name, where, lambda was: other_value(rng, was))
            except tl.TwoLayerError as error:
                assert "\n" not in str(error)  # noqa: PT017  an error is one of two right answers
