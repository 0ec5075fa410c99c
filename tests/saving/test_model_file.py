"""The model file. What was saved is what is loaded, to the last bit; what is no model is told, and never believed."""

import errno
import json
import os
import pickle
import stat
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from sklearn.datasets import load_diabetes, load_iris

import twolayer as tl
from twolayer import FileError, InputError, saving


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def assert_same_params(a, b):
    assert [name for name, _ in a.items()] == [name for name, _ in b.items()]
    for (name, one), (_, other) in zip(a.items(), b.items(), strict=True):
        assert same_bits(np.asarray(one), np.asarray(other)), name


def through_a_file(model, tmp_path):
    tl.save(model, tmp_path / "m.safetensors")
    return tl.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("n_networks", [None, 1, 3])
def test_params_come_back_to_the_last_bit(tmp_path, dtype, bias, skip, n_networks):
    params = tl.init_params(
        5, 4, 3, bias=bias, skip=skip, dtype=dtype, n_networks=n_networks, random_state=1
    )
    assert_same_params(through_a_file(params, tmp_path), params)


def test_params_in_any_layout(tmp_path):
    params = tl.init_params(5, 4, 3)
    turned = params.map(lambda w: np.asfortranarray(w) if w.ndim == 2 else w[::-1][::-1])
    assert_same_params(through_a_file(turned, tmp_path), params)


@pytest.mark.parametrize("n_networks", [None, 2])
@pytest.mark.parametrize("steps", [0, 7])
def test_a_run_comes_back_with_all_its_fields(tmp_path, n_networks, steps):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    params = tl.init_params(3, 4, 2, n_networks=n_networks, dtype="float32")
    run = tl.train(x, y, params, steps=steps, learning_rate=1e-3, engine="numpy")
    back = through_a_file(run, tmp_path)
    assert isinstance(back, tl.Run)
    assert_same_params(back.params, run.params)
    for field in fields(tl.Run)[1:]:
        ours, theirs = getattr(run, field.name), getattr(back, field.name)
        if isinstance(ours, np.ndarray):
            assert same_bits(ours, theirs), field.name
        else:
            assert ours == theirs, field.name
            assert type(ours) is type(theirs), field.name


def test_losses_in_any_layout(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    run = tl.train(x, y, tl.init_params(3, 4, 2, n_networks=2), steps=5, engine="numpy")
    turned = replace(run, losses=np.asfortranarray(run.losses))
    assert same_bits(through_a_file(turned, tmp_path).losses, run.losses)


CLASSES = {
    "text": np.array(["no", 'yes, "maybe"\n', "é漢"]),
    "objects": np.array(["a", "bb", "ccc"], dtype=object),
    "int64": np.array([-5, 0, 7]),
    "uint8": np.array([0, 1, 255], dtype=np.uint8),
    "float64": np.array([1.0, 2.0, 3.0]),
    "booleans": np.array([False, True]),
    "large": np.array([-(2**62) - 1, 2**62 + 1]),
}


@pytest.mark.parametrize("kind", CLASSES)
def test_a_classifier_comes_back(tmp_path, kind):
    x = load_iris().data
    y = CLASSES[kind][np.arange(len(x)) % len(CLASSES[kind])]
    model = tl.TwoLayerClassifier(3, max_iter=5, alpha=0.5, random_state=3).fit(x, y)
    back = through_a_file(model, tmp_path)
    assert type(back) is tl.TwoLayerClassifier
    assert back.get_params() == model.get_params()
    assert back.classes_.dtype == model.classes_.dtype
    assert back.classes_.tolist() == model.classes_.tolist()
    assert same_bits(back.predict_proba(x), model.predict_proba(x))
    assert back.predict(x).tolist() == model.predict(x).tolist()


@pytest.mark.parametrize("targets", [1, 2])
def test_a_regressor_comes_back(tmp_path, targets):
    x, y = load_diabetes(return_X_y=True)
    y = y if targets == 1 else np.column_stack([y, -y])
    model = tl.TwoLayerRegressor(4, activation="tanh", max_iter=5, random_state=3).fit(x, y)
    back = through_a_file(model, tmp_path)
    assert same_bits(back.predict(x), model.predict(x))
    for name in ("w1_", "b1_", "w2_", "b2_", "network_loss_curves_"):
        assert same_bits(getattr(back, name), getattr(model, name)), name
    for name in ("loss_", "n_iter_", "stopped_", "n_features_in_", "n_outputs_"):
        assert np.array_equal(getattr(back, name), getattr(model, name)), name
    for name in ("alpha_", "solver_", "noise_std_", "alphas_tried_", "best_iter_"):
        assert np.array_equal(getattr(back, name), getattr(model, name)), name
    assert set(vars(back)) == set(vars(model))


def test_column_names_come_back(tmp_path):
    frame = load_diabetes(as_frame=True).frame
    x, y = frame.drop(columns="target"), frame["target"]
    model = tl.TwoLayerRegressor(2, max_iter=2, random_state=np.random.RandomState(0)).fit(x, y)
    back = through_a_file(model, tmp_path)
    assert back.feature_names_in_.tolist() == list(x.columns)
    assert same_bits(back.predict(x), model.predict(x))
    assert back.random_state is None  # a generator that has moved on cannot be written down


def test_anyone_can_read_the_file(tmp_path):
    """With safetensors and json alone."""
    params = tl.init_params(3, 2, 1)
    tl.save(params, tmp_path / "m.safetensors", about={"target": "größe"})
    arrays = safetensors.numpy.load_file(tmp_path / "m.safetensors")
    assert set(arrays) == {"w1", "b1", "w2", "b2"}
    assert same_bits(arrays["w1"], params.w1)
    with safetensors.safe_open(tmp_path / "m.safetensors", framework="numpy") as file:
        record = json.loads(file.metadata()["twolayer"])
    assert record["format"] == 1
    assert record["kind"] == "params"
    assert record["versions"] == {
        "twolayer": tl.__version__,
        "numpy": np.__version__,
        "python": sys.version.split()[0],
    }
    assert record["about"] == {"target": "größe"}
    assert saving.read_model(tmp_path / "m.safetensors")[1] == {"target": "größe"}


def test_loading_weights_needs_no_scikit_learn(tmp_path):
    tl.save(tl.init_params(3, 2, 1), tmp_path / "m.safetensors")
    code = "import sys, twolayer as tl; print(tl.load(sys.argv[1])); assert 'sklearn' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "m.safetensors")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Params(n_inputs=3,")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"w1": 1}, "saves Params, a Run, or one of its fitted estimators; got dict"),
        (tl.TwoLayerRegressor(), "not fitted yet: call fit first"),
        (tl.Params(np.array([[np.nan]]), None, np.ones((1, 1)), None), "w1 has 1 value"),
    ],
)
def test_what_cannot_be_saved(tmp_path, model, message):
    with pytest.raises(InputError, match=message):
        tl.save(model, tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())


def test_what_json_cannot_hold_is_not_left_out_in_silence(tmp_path):
    with pytest.raises(InputError, match=r"cannot be saved: set .* is neither text nor a number"):
        tl.save(tl.init_params(3, 2, 1), tmp_path / "m", about={"genes": {"BRCA1"}})
    assert not list(tmp_path.iterdir())
    tl.save(tl.init_params(3, 2, 1), tmp_path / "m", about={"score": np.float32(0.5)})
    assert saving.read_model(tmp_path / "m")[1] == {"score": 0.5}


def test_a_subclass_is_not_saved_as_what_it_is_not(tmp_path):
    class Mine(tl.TwoLayerRegressor):
        pass

    model = Mine(2, max_iter=1).fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(InputError, match="got Mine"):
        tl.save(model, tmp_path / "m.safetensors")


# ---- files that are not what they should be


def estimator_bytes():
    x, y = load_iris(return_X_y=True)
    settings = {"alpha": 1.0, "n_networks": 1, "skip": False, "random_state": 0}
    model = tl.TwoLayerClassifier(2, max_iter=2, **settings).fit(x[:, :2], y)
    model.feature_names_in_ = np.array(["a", "b"], dtype=object)
    return saving.model_bytes(model, {"target": "y"})


def loaded(tmp_path, content):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    return tl.load(path)


@pytest.mark.parametrize("model", ["params", "estimator"])
def test_cut_off_anywhere(tmp_path, model):
    content = (
        estimator_bytes() if model == "estimator" else saving.model_bytes(tl.init_params(3, 2, 1))
    )
    for length in [*range(0, len(content), 7), len(content) - 1]:
        with pytest.raises(FileError, match=r"m\.safetensors cannot be read as a model: "):
            loaded(tmp_path, content[:length])


def test_a_changed_byte_anywhere_is_an_error_or_a_model(tmp_path):
    content = estimator_bytes()
    rng = np.random.default_rng(0)
    outcomes = {"model": 0, "error": 0}
    for position in [*range(0, len(content), 5), *range(8)]:
        changed = bytearray(content)
        changed[position] ^= int(rng.integers(1, 256))
        try:
            model = loaded(tmp_path, bytes(changed))
        except FileError:
            outcomes["error"] += 1
        else:
            outcomes["model"] += 1  # a digit of a weight or a letter of a text
            assert isinstance(model, tl.TwoLayerClassifier)
    assert outcomes["model"] > 0
    assert outcomes["error"] > 100


def test_a_claimed_header_is_not_allocated(tmp_path):
    content = saving.model_bytes(tl.init_params(3, 2, 1))
    for claim in (len(content) - 7, 2**30, 2**63, 2**64 - 1):
        tracemalloc.start()
        with pytest.raises(
            FileError, match=rf"claims {claim} bytes, but the file has {len(content)}"
        ):
            loaded(tmp_path, struct.pack("<Q", claim) + content[8:])
        assert tracemalloc.get_traced_memory()[1] < 1e6
        tracemalloc.stop()


def test_a_claimed_array_is_not_allocated(tmp_path):
    header = json.dumps(
        {
            "__metadata__": {"twolayer": "{}"},
            "w1": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]},
        }
    ).encode()
    with pytest.raises(FileError, match="damaged"):
        loaded(tmp_path, struct.pack("<Q", len(header)) + header + b"12345678")


class Bomb:
    """Unpickled, it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_nothing_is_ever_unpickled(tmp_path):
    bomb = Bomb(tmp_path / "boom")
    np.save(tmp_path / "m.npy", np.array([bomb], dtype=object), allow_pickle=True)
    for content in (pickle.dumps(bomb), (tmp_path / "m.npy").read_bytes()):
        with pytest.raises(FileError, match="not a safetensors file"):
            loaded(tmp_path, content)
    assert not (tmp_path / "boom").exists()
    pickle.loads(pickle.dumps(bomb))
    assert (tmp_path / "boom").exists()  # the bomb was real


def test_foreign_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a", "b")
    for content in (b"a,b\n1,2\n3,4\n5,6\n", (tmp_path / "z.zip").read_bytes(), b"\x00" * 100):
        with pytest.raises(FileError, match="it is not a safetensors file"):
            loaded(tmp_path, content)
    with pytest.raises(FileError, match="it is empty"):
        loaded(tmp_path, b"")
    foreign = safetensors.numpy.save({"w1": np.ones((2, 2))}, {"format": "pt"})
    with pytest.raises(FileError, match="not one that twolayer wrote"):
        loaded(tmp_path, foreign)
    with pytest.raises(FileError, match="cannot be read: No such file"):
        tl.load(tmp_path / "none")
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        tl.load(tmp_path)


def forged(change):
    """The estimator's file with its record or arrays changed, otherwise sound."""
    content = estimator_bytes()
    arrays = safetensors.numpy.load(content)
    start = 8 + struct.unpack("<Q", content[:8])[0]
    record = json.loads(json.loads(content[8:start])["__metadata__"]["twolayer"])
    text = change(record, arrays)
    if text is None:
        text = json.dumps(record)
    return safetensors.numpy.save(arrays, {"twolayer": text})


def set_in(record, value, *path):
    for name in path[:-1]:
        record = record[name]
    if value is DELETED:
        del record[path[-1]]
    else:
        record[path[-1]] = value


DELETED = object()


def test_a_forged_file_without_changes_is_sound(tmp_path):
    assert isinstance(loaded(tmp_path, forged(lambda record, arrays: None)), tl.TwoLayerClassifier)


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        (2, ("format",), "it has format 2, and this version of twolayer reads format 1.*upgrade"),
        ("1", ("format",), "its entry 'format' is '1'"),
        (True, ("format",), "its entry 'format' is True"),
        (DELETED, ("format",), "its entry 'format' is None"),
        ("os.system", ("kind",), "it holds 'os.system', not params, a run or an estimator"),
        ([1], ("kind",), "it holds"),
        ("params", ("kind",), "its arrays final_loss, losses, .* are not those of weights"),
        ("run", ("kind",), "its entry 'seconds' is None"),
        (3, ("facts",), "its entry 'facts' is 3"),
        ([], ("about",), "its entry 'about'"),
        ("SVC", ("facts", "class"), "there is no estimator 'SVC'"),
        ("TwoLayerRegressor", ("facts", "class"), "its settings .*class_weight.* are unknown"),
        ({"eval": "1"}, ("facts", "settings"), "settings eval are unknown"),
        ("boom", ("facts", "settings", "activation"), "there is no activation 'boom'"),
        ({"x": 1}, ("facts", "settings", "activation"), "there is no activation"),
        (["a"], ("facts", "columns"), "columns are not 2 different names"),
        (["a", "a"], ("facts", "columns"), "columns are not 2 different names"),
        (["a", 3], ("facts", "columns"), "columns are not 2 different names"),
        ("ab", ("facts", "columns"), "columns are not 2 different names"),
        (["a", "\ud800"], ("facts", "columns"), "description is not JSON"),
        (DELETED, ("facts", "classes"), "its entry 'one_target' is None"),
        ([0, 1], ("facts", "classes", "values"), "classes are not 3 different numbers"),
        ([0, 1, 1], ("facts", "classes", "values"), "classes are not 3 different numbers"),
        (
            [0, 1, float("nan")],
            ("facts", "classes", "values"),
            "'classes' is damaged: nan is not a",
        ),
        ([0, 1, [2]], ("facts", "classes", "values"), "classes are not 3 different numbers"),
        (
            [0, 1, 10**400],
            ("facts", "classes", "values"),
            "'classes' is damaged: 10+...0+ is not a",
        ),
        (
            {"type": "float64", "values": [0, 1, float("nan")]},
            ("facts", "classes"),
            "'classes' is damaged: nan is not a finite number",
        ),
        ("S5", ("facts", "classes", "type"), "classes are of type 'S5'"),
        ("text", ("facts", "classes", "type"), "classes are not 3 different names"),
        (7, ("facts", "stopped"), "its entry 'stopped' is 7"),
    ],
)
def test_a_forged_record(tmp_path, value, path, message):
    with pytest.raises(FileError, match=f"cannot be read as a model: .*{message}"):
        loaded(tmp_path, forged(lambda record, arrays: set_in(record, value, *path)))


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "3", "null", "[" * 100_000, '{"format": ' + "9" * 5000 + "}"]
)
def test_a_forged_text(tmp_path, text):
    with pytest.raises(FileError, match=r"cannot be read as a model: its description is not JSON"):
        loaded(tmp_path, forged(lambda record, arrays: text))


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("w1", None, "its array 'w1' is missing"),
        ("w2", None, "its array 'w2' is missing"),
        ("w1", np.zeros(4), "w1"),
        ("w1", np.array(4.0), "w1"),
        ("b1", np.array(4.0), "b1"),
        ("b1", np.zeros((7, 1, 2)), "b1"),
        ("b1", None, "its weights are not those of an estimator"),
        ("w_skip", np.zeros((2, 3)), "its weights are not those of an estimator"),
        ("w1", np.full((2, 2), np.nan), "w1 has 4 values"),
        ("w1", np.zeros((2, 5)), "w1"),
        ("w1", np.zeros((0, 2)), r"its array 'w1' is empty: its shape is \(0, 2\)"),
        ("w1", np.zeros((2, 2), dtype=np.float32), "its weights are of different types"),
        ("w1", np.zeros((2, 2), dtype=np.int64), "its array 'w1' of type I64 is unknown"),
        ("w3", np.zeros((2, 2)), "its array 'w3' of type F64 is unknown"),
        ("losses", None, "its array 'losses' is missing"),
        ("losses", np.array([1.0, np.inf]), "its array 'losses' is missing or not of finite"),
        ("losses", np.zeros((2, 2)), r"its array 'losses' has the shape \(2, 2\)"),
        ("final_loss", np.zeros(2), r"its array 'final_loss' has the shape \(2,\)"),
    ],
)
def test_forged_arrays(tmp_path, name, array, message):
    def change(record, arrays):
        arrays.pop(name, None)
        if array is not None:
            arrays[name] = array

    with pytest.raises(FileError, match=f"cannot be read as a model: .*{message}"):
        loaded(tmp_path, forged(change))


def test_losses_of_many_networks_must_fit_the_weights(tmp_path):
    rng = np.random.default_rng(0)
    params = tl.init_params(3, 4, 2, n_networks=2)
    x, y = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    content = saving.model_bytes(tl.train(x, y, params, steps=3, engine="numpy"))
    arrays = safetensors.numpy.load(content)
    start = 8 + struct.unpack("<Q", content[:8])[0]
    metadata = json.loads(content[8:start])["__metadata__"]
    arrays["losses"] = np.zeros((3, 5))
    with pytest.raises(FileError, match=r"its array 'losses' has the shape \(3, 5\)"):
        loaded(tmp_path, safetensors.numpy.save(arrays, metadata))


# ---- written whole, or not at all


def test_the_file_is_replaced_whole(tmp_path):
    path = tmp_path / "m.safetensors"
    tl.save(tl.init_params(30, 20, 10), path)
    params = tl.init_params(3, 2, 1)
    tl.save(params, path)
    assert_same_params(tl.load(path), params)
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_everything_as_it_was(tmp_path, monkeypatch, call):
    path = tmp_path / "m.safetensors"
    path.write_text("before")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(
        FileError, match=r"m\.safetensors cannot be written: No space left on device"
    ):
        tl.save(tl.init_params(3, 2, 1), path)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_the_new_file_is_on_the_disk_before_it_takes_its_name(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda f: (order.append("fsync"), fsync(f))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("replace"), replace(a, b))[1])
    tl.save(tl.init_params(3, 2, 1), tmp_path / "m.safetensors")
    assert order[:2] == ["fsync", "replace"]


def test_of_several_files_all_or_none(tmp_path):
    good, bad = tmp_path / "a", tmp_path / "no such folder" / "b"
    with pytest.raises(FileError, match="cannot be written: No such file or directory"):
        saving.write_files({good: b"1", bad: b"2"})
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match="folder cannot be written: it is a folder"):
        saving.write_files({good: b"1", tmp_path / "folder": b"2"})
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    saving.write_files({good: b"1", tmp_path / "folder" / "b": b"2"})
    assert (good.read_bytes(), (tmp_path / "folder" / "b").read_bytes()) == (b"1", b"2")


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_permissions_and_links_are_the_usual(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "m")
    tl.save(tl.init_params(3, 2, 1), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert tl.load(tmp_path / "deep" / "m").n_inputs == 3
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "deep" / "m").stat().st_mode) == 0o666 & ~mask
