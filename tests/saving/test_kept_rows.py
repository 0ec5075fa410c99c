"""The rows of training in a model's file: only if they are asked for; and the sets of classes, which need none."""

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import scipy.sparse as sp
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import twolayer as tl
from twolayer.errors import FileError, InputError
from twolayer.saving import model_file

# smooth and well decayed: the closed form of rows left out holds by far
SETTINGS = {"n_hidden": 5, "alpha": 2, "activation": "tanh", "n_networks": 2, "random_state": 0}


def table(n=40, seed=0):
    rng = np.random.default_rng(seed)
    x = 10 * rng.standard_normal((n, 3)) + [0, 50, -3]
    return x, x[:, 0] + 5 * np.abs(x[:, 2]) + rng.standard_normal(n)


def targets(kind):
    y = table()[1]
    return {
        "number": y,
        "numbers": np.column_stack([y, -y]),
        "text": np.where(y > np.median(y), "high", "low"),
        "classes": np.digitize(y, np.quantile(y, [0.3, 0.6])) * 10,
        "labels": np.column_stack([y > 30, y > 60]).astype(int),
    }[kind]


def through_a_file(model, path, **options):
    tl.save(model, path, **options)
    return tl.load(path)


def make(kind, **more):
    numbers = kind.startswith("number")
    family = tl.TwoLayerRegressor if numbers else tl.TwoLayerClassifier
    return family(**{**SETTINGS, **more})


@pytest.mark.parametrize("kind", ["number", "numbers", "text", "classes", "labels"])
@pytest.mark.parametrize("sparse", [False, True])
def test_all_that_is_said_of_rows_left_out_comes_back(tmp_path, kind, sparse):
    x, y = table()[0], targets(kind)
    x = sp.csr_array(np.where(x > 5, x, 0)) if sparse else x
    s = np.linspace(0.5, 2, 40)
    groups = np.repeat([f"patient {k}" for k in range(10)], 4)
    scaling = "standard" if sparse else "auto"
    model = make(kind, scaling=scaling).fit(x, y, s, groups=groups).keep_rows(x, y, s, groups)
    back = through_a_file(model, tmp_path / "m.safetensors", keep_rows=True)
    ours, theirs = model.rows_, back.rows_
    assert np.array_equal(ours.y, theirs.y)
    assert ours.y.dtype == theirs.y.dtype
    assert np.array_equal(ours.groups, theirs.groups)
    assert np.array_equal(ours.sample_weight, theirs.sample_weight)
    assert np.array_equal(model.left_out_predict(), back.left_out_predict())
    assert back.influence().labels.tolist() == sorted(set(groups))
    if kind.startswith("number"):
        for one in ("jackknife+", "cv+"):
            found = back.predict_interval(x, 0.8, kind=one)
            assert np.array_equal(found, model.predict_interval(x, 0.8, kind=one))


def test_no_row_is_in_the_file_unless_it_is_asked_for(tmp_path):
    x, y = table()
    model = make("number").fit(x, y).keep_rows(x, y, groups=np.repeat(["Jane Roe", "John Doe"], 20))
    back = through_a_file(model, tmp_path / "m.safetensors")
    data = (tmp_path / "m.safetensors").read_bytes()
    assert back.rows_ is None
    assert b"rows." not in data
    assert b"John Doe" not in data
    assert x[3].tobytes() not in data
    with pytest.raises(
        InputError, match=r"a file holds them only if it was saved with keep_rows=True"
    ):
        back.predict_interval(x, kind="jackknife+")
    assert np.array_equal(back.predict_interval(x), model.predict_interval(x))
    tl.save(model, tmp_path / "m.safetensors", keep_rows=True)
    assert b"John Doe" in (tmp_path / "m.safetensors").read_bytes()


@pytest.mark.parametrize("model", [tl.init_params(3, 2, 1), "plain"], ids=["weights", "no rows"])
def test_what_keeps_no_rows_cannot_write_them(tmp_path, model):
    model = make("number").fit(*table()) if isinstance(model, str) else model
    with pytest.raises(InputError, match=r"hold no rows|keeps none"):
        tl.save(model, tmp_path / "m.safetensors", keep_rows=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scaling", ["auto", "standard"])
def test_rows_of_a_pipeline_are_in_its_own_columns(tmp_path, scaling):
    x, y = table()
    pipe = make_pipeline(MinMaxScaler(), StandardScaler(), make("number", scaling=scaling)).fit(
        x, y
    )
    pipe[-1].keep_rows(pipe[:-1].transform(x), y)
    back = through_a_file(pipe, tmp_path / "m.safetensors", keep_rows=True)
    np.testing.assert_allclose(back.rows_.X, x)
    np.testing.assert_allclose(back.left_out_predict(), pipe[-1].left_out_predict(), rtol=1e-6)


def test_sets_of_classes_need_no_rows(tmp_path):
    x, y = table()[0], targets("classes")
    for model in (
        make("classes").fit(x, y),
        make_pipeline(StandardScaler(), make("classes")).fit(x, y),
    ):
        back = through_a_file(model, tmp_path / "m.safetensors")
        last = model[-1] if hasattr(model, "steps") else model
        own = x if last is model else model[:-1].transform(x)
        assert np.array_equal(back.predict_set(x, 0.8), last.predict_set(own, 0.8))


def test_a_class_without_a_row_left_out_comes_back(tmp_path):
    x, y = table()[0], targets("text").astype(object)
    y[0] = "only"
    s = np.ones(40)
    s[0] = 0
    model = make("text").fit(x, y, s)
    back = through_a_file(model, tmp_path / "m.safetensors")
    assert len(back.left_out_losses_["only"]) == 0
    assert list(back.left_out_losses_) == ["high", "low", "only"]


def changed(name, change):
    def forge(arrays):
        arrays[name] = change(arrays[name])

    return forge


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (changed("rows.X", lambda a: a[1:].copy()), "its rows are not those of 3 inputs"),
        (changed("rows.X", lambda a: a * np.nan), "the array 'X' of its rows is not of finite numbers"),
        (changed("rows.y", lambda a: a + 0.5), "the classes of its rows are not among the 3"),
        (changed("rows.y", lambda a: a + 9), "the classes of its rows are not among the 3"),
        (changed("rows.groups", lambda a: a + 9), "the groups of its rows are not among the 10"),
        (changed("rows.sample_weight", lambda a: -a), "the weights of its rows are not one for each"),
        (lambda arrays: arrays.pop("rows.X"), "its rows are not"),
        (lambda arrays: arrays.update({"rows.more": np.ones(1)}), "the arrays more of its rows are unknown"),
        (changed("sets.losses", lambda a: a[::-1].copy()), "the losses of its rows left out are not those"),
        (changed("sets.losses", lambda a: -a), "the losses of its rows left out are not those"),
        (changed("sets.counts", lambda a: a + 1), "the losses of its rows left out are not those"),
        (lambda arrays: arrays.pop("sets.counts"), "the losses of its rows left out are not those"),
    ],
)  # fmt: skip
def test_a_file_that_lies_about_rows_or_sets(tmp_path, forge, message):
    x, y, s = table()[0], targets("classes"), np.linspace(0.5, 2, 40)
    groups = np.repeat([f"patient {k}" for k in range(10)], 4)
    model = make("classes").fit(x, y, s).keep_rows(x, y, s, groups)
    data = model_file.model_bytes(model, keep_rows=True)
    path = tmp_path / "m.safetensors"
    path.write_bytes(data)
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    arrays = safetensors.numpy.load(data)
    forge(arrays)
    path.write_bytes(safetensors.numpy.save(arrays, metadata))
    with pytest.raises(FileError, match=message):
        tl.load(path)
