"""Checkpoints. The expected result is always that of the same call never interrupted and without a checkpoint, to the last bit."""

import os
import signal

import numpy as np
import pytest
import scipy.sparse

import twolayer as tl
from twolayer import FileError, InputError, files
from twolayer.training import fingerprint
from twolayer.training.checkpoint_file import checkpoint_bytes, read_checkpoint

X = np.random.default_rng(0).standard_normal((30, 60))
Y = np.random.default_rng(1).standard_normal((30, 3))

WAYS = {
    "gd": {"solver": "gd", "learning_rate": 1e-5},
    "momentum, decay": {"solver": "gd", "learning_rate": 1e-5, "momentum": 0.9, "alpha": 1.0},
    "sgd": {"solver": "gd", "learning_rate": 1e-5, "momentum": 0.5, "batch_size": 7},
    "adam": {"solver": "adam", "learning_rate": 1e-2},
    "adam on batches": {"solver": "adam", "learning_rate": 1e-2, "batch_size": 7},
    "dropout": {"solver": "adam", "learning_rate": 1e-2, "dropout": 0.3},
    "lbfgs": {"solver": "lbfgs", "alpha": 0.5},
    "stops by tol": {"solver": "gd", "learning_rate": 1e-4, "tol": 3e-2, "batch_size": 7},
}


class Killed(Exception):  # noqa: N818  no error, but what is tested
    """As if the process ended here."""


def dies_at(call):
    """A callback that ends everything when it is called so many times."""
    calls = iter(range(1, 10**6))

    def callback(progress):
        if next(calls) == call:
            raise Killed

    return callback


def train(way, path=None, callback=None, **more):
    """A training of the way; with a path, in uneven chunks, kept after every one."""
    settings = {"random_state": 3, "steps": 120, **WAYS[way]}
    if path is not None:
        settings |= {"checkpoint": path, "checkpoint_every": 0, "resume": True}
        settings |= {"callback": callback or (lambda progress: None), "callback_every": 13}
    params = more.pop("params", None) or tl.init_params(60, 8, 3)
    return tl.train(X, Y, params, **settings | more)


def assert_same(run, other):
    for (name, w), (_, v) in zip(run.params.items(), other.params.items(), strict=True):
        assert w.dtype == v.dtype
        assert w.tobytes() == v.tobytes(), name
    assert run.losses.tobytes() == other.losses.tobytes()
    assert np.array_equal(run.final_loss, other.final_loss)
    assert run.stopped == other.stopped


def dies_often(path, way, **more):
    """Trainings of the way that die, one after another, each a little further on."""
    deaths = 0
    for call in (3, 2, 4):
        try:
            train(way, path, dies_at(call), **more)
        except Killed:
            deaths += 1
    return deaths


def possible(engine, way, span, n_networks):
    turning = span and ("adam" in way or way == "dropout")
    return not (
        turning
        or (engine == "compiled" and way == "dropout")
        or (engine == "torch-nn" and (n_networks or way == "lbfgs"))
    )


def says_little(engine, way, span, n_networks):
    """Torch's other engines differ from "torch" in how they find a gradient, of which a checkpoint keeps nothing."""
    if engine == "torch":
        return bool(span or n_networks) and way != "momentum, decay"
    return engine.startswith("torch-") and (way != "adam" or bool(span or n_networks))


CASES = [
    pytest.param(
        engine,
        way,
        span,
        n_networks,
        marks=[pytest.mark.slow] * says_little(engine, way, span, n_networks),
    )
    for engine in tl.engines()
    for way in WAYS
    for span in (False, True)
    for n_networks in (None, 2)
    if possible(engine, way, span, n_networks)
]


@pytest.mark.parametrize(("engine", "way", "span", "n_networks"), CASES)
def test_a_training_that_died_three_times_ends_as_one_that_never_did(
    tmp_path, engine, way, span, n_networks
):
    if reason := tl.engines()[engine]:
        pytest.skip(reason)
    params = tl.init_params(60, 8, 3, n_networks=n_networks)
    more = {"engine": engine, "span": span, "params": params}
    assert dies_often(tmp_path / "c", way, **more) == 3
    assert_same(train(way, tmp_path / "c", **more), train(way, **more))
    assert_same(train(way, tmp_path / "c", **more), train(way, **more))  # answered from the record


@pytest.mark.parametrize("way", ["momentum, decay", "lbfgs", "adam on batches"])
def test_float32_skip_layers_and_row_weights(tmp_path, way):
    params = tl.init_params(60, 8, 3, skip=True, dtype="float32")
    more = {"params": params, "sample_weight": np.arange(1.0, 31), "engine": "compiled"}
    dies_often(tmp_path / "c", way, **more)
    assert_same(train(way, tmp_path / "c", **more), train(way, **more))


@pytest.mark.parametrize("span", [False, True])
@pytest.mark.parametrize("form", ["tocsr", "tocsc"])
def test_sparse_tables(tmp_path, span, form):
    x = getattr(scipy.sparse.random(30, 200, density=0.1, random_state=0), form)()
    settings = {"solver": "lbfgs", "steps": 60, "span": span, "engine": "numpy"}
    params = tl.init_params(200, 5, 3)
    kept = {"checkpoint": tmp_path / "c", "checkpoint_every": 0, "resume": True}
    with pytest.raises(Killed):
        tl.train(x, Y, params, callback=dies_at(3), callback_every=7, **settings, **kept)
    assert_same(tl.train(x, Y, params, **settings, **kept), tl.train(x, Y, params, **settings))


def test_a_generator_goes_on_where_it_was(tmp_path):
    """The random numbers drawn after the training are those of a training never interrupted."""
    ours, theirs = np.random.default_rng(5), np.random.default_rng(5)
    with pytest.raises(Killed):
        train("sgd", tmp_path / "c", dies_at(4), random_state=np.random.default_rng(5))
    run = train("sgd", tmp_path / "c", random_state=ours)
    assert_same(run, train("sgd", random_state=theirs))
    assert ours.random() == theirs.random()
    answered = np.random.default_rng(5)
    train("sgd", tmp_path / "c", random_state=answered)
    answered.random()
    assert answered.random() == theirs.random()


@pytest.mark.parametrize("way", ["sgd", "dropout"])
def test_without_a_seed_it_goes_on_with_the_numbers_of_the_first(tmp_path, way):
    """The checkpoint of a training in the middle is put aside; the training ends, and so does one from there."""

    def puts_aside(progress):
        if progress.step == 52:
            (tmp_path / "aside").write_bytes((tmp_path / "c").read_bytes())

    whole = train(way, tmp_path / "c", puts_aside, random_state=None)
    assert_same(train(way, tmp_path / "aside", random_state=None), whole)


def test_the_way_of_rounding_does_not_follow_from_where_it_goes_on(tmp_path):
    """The last batch of a pass is small enough for plain loops, the others are not; it goes on with a small one."""
    more = {"batch_size": 9, "engine": "compiled", "callback_every": 1}
    with pytest.raises(Killed):
        train("adam", tmp_path / "c", dies_at(4), **more)
    assert_same(train("adam", tmp_path / "c", **more), train("adam", **more))


# ---- Ctrl-C


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_leaves_a_checkpoint(tmp_path):
    def presses(progress):
        if progress.step == 39:
            os.kill(os.getpid(), signal.SIGINT)

    path = tmp_path / "c"
    kept = {"checkpoint": path, "checkpoint_every": 1000, "callback_every": 13}
    params = tl.init_params(60, 8, 3)
    more = {"random_state": 3, "steps": 120, **WAYS["sgd"]}
    run = tl.train(X, Y, params, callback=presses, **kept, **more)
    assert (run.stopped, len(run.losses)) == ("interrupted", 39)
    steps = []
    kept["callback"] = lambda progress: steps.append(progress.step)
    assert_same(tl.train(X, Y, params, resume=True, **kept, **more), train("sgd"))
    assert steps[0] == 52  # it began at 39


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("call", [1, 4, 10])
def test_ctrl_c_between_networks_that_are_trained_one_after_another(tmp_path, call):
    calls = iter(range(1, 100))

    def presses(progress):
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGINT)

    params = tl.init_params(60, 8, 3, n_networks=3)
    run = train("lbfgs", tmp_path / "c", presses, params=params, steps=50)
    assert "interrupted" in run.stopped
    again = train("lbfgs", tmp_path / "c", params=params, steps=50)
    assert_same(again, train("lbfgs", params=params, steps=50))


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_in_a_search_ends_it_and_keeps_what_is_done(tmp_path, monkeypatch):
    from twolayer.training.loop import TrainingLoop

    run, loops = TrainingLoop.run, []

    def pressed(*arguments):
        loops.append(1)
        if len(loops) == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return run(*arguments)

    whole = fitted(n_networks=1)
    monkeypatch.setattr(TrainingLoop, "run", pressed)
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "c", every=1000, n_networks=1)
    assert len(read_checkpoint(tmp_path / "c")["calls"]) == len(loops) == 4
    assert fitted(tmp_path / "c", n_networks=1).w1_.tobytes() == whole.w1_.tobytes()


# ---- estimators


def fitted(path=None, die=None, every=0, **settings):
    callback = None if die is None else dies_at(die)
    settings = {"max_iter": 40, "random_state": 0, "callback": callback, **settings}
    model = tl.TwoLayerRegressor(6, **settings)
    if path is None:
        return model.fit(X, Y)
    with tl.checkpointed(path, every=every, resume=True):
        return model.fit(X, Y)


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha": "auto", "n_networks": 2, "max_iter": 20, "tol": 0},
        {"alpha": 1.0, "early_stopping": True, "n_iter_no_change": 4},
        {"alpha": 1.0, "early_stopping": True, "n_networks": 2, "n_iter_no_change": 4},
        {"alpha": 1.0, "early_stopping": True, "solver": "adam", "batch_size": 5},
    ],
)
def test_estimators(tmp_path, settings):
    for die in (2, 3) if "early_stopping" in settings else (1,):
        with pytest.raises(Killed):
            fitted(tmp_path / "c", die, **settings)
    whole = fitted(**settings)
    for name, every in (
        ("c", 0),
        ("c", 0),
        ("written at the end", 1000),
        ("written at the end", 0),
    ):
        model = fitted(tmp_path / name, every=every, **settings)
        assert model.w1_.tobytes() == whole.w1_.tobytes()
        assert model.alpha_ == whole.alpha_
        assert np.array_equal(model.loss_curve_, whole.loss_curve_)
        assert np.array_equal(model.validation_scores_, whole.validation_scores_)
        assert np.array_equal(model.best_iter_, whole.best_iter_)


def test_folds_that_were_done_are_not_done_again(tmp_path, monkeypatch):
    with pytest.raises(Killed):
        fitted(tmp_path / "c", 1, n_networks=1)
    done = len(read_checkpoint(tmp_path / "c")["calls"])
    assert done > 5  # the search for alpha, and the training after it
    advanced = []
    from twolayer.training.loop import TrainingLoop

    run = TrainingLoop.run
    monkeypatch.setattr(TrainingLoop, "run", lambda *a: (advanced.append(1), run(*a))[1])
    fitted(n_networks=1)
    total = len(advanced)
    advanced.clear()
    fitted(tmp_path / "c", n_networks=1)
    assert len(advanced) in (
        total - done,
        total - done + 1,
    )  # the last one was in the middle of its steps


def test_a_training_that_diverged_diverges_again(tmp_path):
    def run():
        with tl.checkpointed(tmp_path / "c", every=0, resume=True):
            with pytest.raises(tl.DivergedError) as caught:
                tl.train(X, Y, tl.init_params(60, 8, 3), learning_rate=1e3)
            return caught.value

    first, again = run(), run()
    assert (str(first), first.step) == (str(again), again.step)
    assert np.array_equal(first.params.w1, again.params.w1)


class Counts:
    """A callback that keeps something of its own, and dies where it is told to."""

    def __init__(self, dies_at=None):
        self.steps, self.dies_at = [], dies_at

    def __call__(self, progress):
        self.steps.append(progress.step)
        if progress.step == self.dies_at:
            raise Killed

    def state_dict(self):
        return {"steps": list(self.steps)}

    def load_state_dict(self, state):
        self.steps = state["steps"]


def test_a_callback_keeps_what_it_has_seen(tmp_path):
    with pytest.raises(Killed):
        train("sgd", tmp_path / "c", Counts(dies_at=39))
    with pytest.raises(InputError, match="resume with that callback"):
        train("sgd", tmp_path / "c")
    for _ in range(2):
        counts = Counts()
        train("sgd", tmp_path / "c", counts)
        assert counts.steps == [*range(13, 120, 13), 120]


def test_a_callback_may_keep_numpys_numbers_and_no_strange_things(tmp_path):
    class Keeps(Counts):
        def state_dict(self):
            return {"steps": [np.int64(step) for step in self.steps], "more": more}

    more = np.float32(0.5)
    train("sgd", tmp_path / "c", Keeps())
    counts = Keeps()
    train("sgd", tmp_path / "c", counts)
    assert counts.steps == [*range(13, 120, 13), 120]
    more = {"a set"}
    with pytest.raises(
        InputError, match=r"cannot be stored in a checkpoint: set .* is neither text"
    ):
        train("sgd", tmp_path / "d", Keeps())


def test_arrays_keep_their_order_in_memory(tmp_path):
    """Rounding may follow it: a product with a turned array is summed in another order."""
    rows = np.arange(6.0).reshape(2, 3)
    for array in (rows, np.asfortranarray(rows), rows[:, ::2], np.array(2.5), np.zeros((0, 3))):
        (tmp_path / "c").write_bytes(checkpoint_bytes({"calls": [{"a": [array]}]}))
        back = read_checkpoint(tmp_path / "c")["calls"][0]["a"][0]
        np.testing.assert_array_equal(back, array)
        assert back.shape == array.shape
        assert back.flags.f_contiguous == array.flags.f_contiguous


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("death", [2, 6, 9])
def test_it_diverges_as_one_that_never_died(tmp_path, engine, death):
    settings = {"learning_rate": 1e-3, "momentum": 0.9, "engine": engine, "callback_every": 1}
    kept = {"checkpoint": tmp_path / "c", "checkpoint_every": 0}
    params = tl.init_params(60, 8, 3)
    with pytest.raises(tl.DivergedError) as expected:
        tl.train(X, Y, params, **settings)
    with pytest.raises(Killed):
        tl.train(X, Y, params, callback=dies_at(death), **settings, **kept)
    with pytest.raises(tl.DivergedError) as caught:
        tl.train(X, Y, params, resume=True, **settings, **kept)
    assert str(caught.value) == str(expected.value)
    assert caught.value.params.w1.tobytes() == expected.value.params.w1.tobytes()
    assert np.array_equal(caught.value.losses, expected.value.losses)


# ---- what is refused


@pytest.fixture
def kept(tmp_path):
    """A checkpoint written in the middle."""
    with pytest.raises(Killed):
        train("sgd", tmp_path / "c", dies_at(3))
    return tmp_path / "c"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"params": tl.init_params(60, 9, 3)}, "hidden units was 8 and is 9 now; params."),
        ({"steps": 121}, "steps was 120 and is 121 now"),
        ({"random_state": 4}, "random_state has other numbers"),
        ({"random_state": None}, "random_state was given and is None now"),
        ({"params": tl.init_params(60, 8, 3, random_state=9)}, "params.w1 has other numbers"),
        ({"sample_weight": np.ones(30)}, "sample_weight has other numbers"),
        ({"engine": "numpy", "activation": "tanh"}, "objective was sum_of_squares of relu and is"),
    ],
)
def test_another_training_is_refused(kept, change, said):
    before = kept.read_bytes()
    with pytest.raises(InputError, match=r"c is the checkpoint of another training: .*") as error:
        train("sgd", kept, **change)
    assert said in str(error.value)
    assert kept.read_bytes() == before


def test_another_table_is_refused(kept, monkeypatch):
    other = X.copy()
    other[29, 59] = np.nextafter(other[29, 59], 9)
    monkeypatch.setitem(globals(), "X", other)
    with pytest.raises(InputError, match=r"another training: x has other numbers\. Resume with"):
        train("sgd", kept)


def test_another_sparse_table_is_refused(tmp_path):
    """One number changed; one moved to the next column; one moved to the next row."""
    x = scipy.sparse.csr_array(np.kron(np.eye(30), [[1.0, 0.0]]))
    kept = {"checkpoint": tmp_path / "c", "resume": True, "engine": "numpy", "random_state": 0}
    tl.train(x, Y, tl.init_params(60, 2, 3), steps=2, **kept)
    for part, place in (("data", 3), ("indices", 3), ("indptr", 3)):
        other = x.copy()
        getattr(other, part)[place] += 1
        with pytest.raises(
            InputError, match=r"another training: x has other numbers\. Resume with"
        ):
            tl.train(other, Y, tl.init_params(60, 2, 3), steps=2, **kept)


def test_other_versions_are_refused(kept, monkeypatch):
    monkeypatch.setattr(fingerprint, "version", lambda name: "0.0.1")
    with pytest.raises(InputError, match=r"numpy was .* and is 0\.0\.1 now"):
        train("sgd", kept)


def test_a_checkpoint_that_is_there_is_not_lost(kept):
    before = kept.read_bytes()
    with pytest.raises(FileError, match="c holds a checkpoint already: go on from it"):
        tl.train(X, Y, tl.init_params(60, 8, 3), checkpoint=kept)
    assert kept.read_bytes() == before


def test_every_damage_is_told(kept):
    """Cut off anywhere, or any one byte changed (of which every 97th is tried)."""
    whole = kept.read_bytes()
    for place in range(0, len(whole), 97):
        changed = bytearray(whole)
        changed[place] ^= 0x20
        for damaged in (whole[:place], bytes(changed)):
            kept.write_bytes(damaged)
            with pytest.raises(FileError, match="c cannot be read as a checkpoint: "):
                read_checkpoint(kept)


def test_a_file_that_is_no_checkpoint_is_not_lost(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(FileError, match=r"data\.csv cannot be read as a checkpoint"):
        tl.train(X, Y, tl.init_params(60, 8, 3), checkpoint=path, resume=True)
    tl.save(tl.init_params(3, 2, 1), tmp_path / "m")
    with pytest.raises(FileError, match="but not a checkpoint of twolayer"):
        tl.train(X, Y, tl.init_params(60, 8, 3), checkpoint=tmp_path / "m")
    with pytest.raises(FileError, match="cannot be written: no such folder"):
        tl.train(X, Y, tl.init_params(60, 8, 3), checkpoint=tmp_path / "no" / "c")
    assert path.read_text() == "a,b\n1,2\n"


def test_settings_that_make_no_sense():
    params = tl.init_params(60, 8, 3)
    with pytest.raises(InputError, match="resume=True needs checkpoint"):
        tl.train(X, Y, params, resume=True)
    for path in (5, "", True):
        with pytest.raises(InputError, match=f"must be the path of a file; got {path!r}$"):
            tl.train(X, Y, params, checkpoint=path)
    with pytest.raises(InputError, match="checkpoint_every must be"):
        tl.train(X, Y, params, checkpoint="c", checkpoint_every=-1)


def test_a_full_disk_costs_the_checkpoint_not_the_training(kept, monkeypatch):
    before = kept.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(tl.TwoLayerWarning, match="no checkpoint was written: .*No space left"):
        run = train("sgd", kept)
    assert_same(run, train("sgd"))
    assert kept.read_bytes() == before


def test_what_a_killed_writer_left_behind_goes_away(kept):
    left = kept.with_name(f"{files._temporary_prefix(kept)}0123456789abcdef.tmp")
    left.write_bytes(b"half")
    other = kept.with_name(".twolayer-00000000-0123456789abcdef.tmp")
    other.write_bytes(b"of another file")
    train("sgd", kept)
    assert [path.name for path in sorted(kept.parent.iterdir())] == [other.name, "c"]
