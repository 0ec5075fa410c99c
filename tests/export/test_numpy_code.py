"""Plain NumPy code: it imports nothing else, holds the weights to the last bit, and no name can break out of its quotes."""

import ast
import importlib.util
import math

import numpy as np
import pytest
from export_models import fitted, own_predictions, rows, targets

import twolayer as tl
from twolayer.errors import FileError
from twolayer.export.normal_cdf import cdf_coefficients
from twolayer.maths.activations import ACTIVATIONS


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_only_import_is_numpy(activation):
    tree = ast.parse(tl.to_numpy_code(fitted("classes", activation)))
    imports = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert imports == ["import numpy as np"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_weights_stand_in_the_code_to_the_last_bit(dtype, tmp_path):
    params = tl.init_params(5, 4, 2, skip=True, dtype=dtype)
    tl.to_numpy_code(params, tmp_path / "net.py")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.py"]
    read = loaded(tmp_path / "net.py")
    for name, array in params.items():
        assert getattr(read, name).dtype == dtype
        assert getattr(read, name).tobytes() == array.tobytes()


def test_many_weights_stand_beside_the_code(tmp_path):
    params = tl.init_params(300, 40, 1)
    code = tl.to_numpy_code(params, tmp_path / "net.py")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.py", "net.weights.npz"]
    assert len(code) < 2000
    x = np.random.default_rng(0).standard_normal((5, 300))
    assert np.abs(loaded(tmp_path / "net.py").predict(x) - tl.forward(x, params)).max() < 1e-12


def test_what_is_in_the_way_of_the_weights_is_kept_if_the_code_cannot_be_written(tmp_path):
    (tmp_path / "net.weights.npz").write_text("precious")
    (tmp_path / "net.py").mkdir()
    with pytest.raises(FileError, match="it is a folder"):
        tl.to_numpy_code(tl.init_params(300, 40, 1), tmp_path / "net.py")
    assert (tmp_path / "net.weights.npz").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.py", "net.weights.npz"]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"must end in \.py"):
        tl.to_numpy_code(tl.init_params(2, 2, 1), tmp_path / "net.csv")


NASTY = ['"""', "'", "\\", "\n", "); import os; (", "ü"]


def test_no_name_breaks_out_of_its_quotes():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows(), columns=NASTY)
    y = np.array(NASTY)[np.arange(len(frame)) % len(NASTY)]
    model = tl.TwoLayerClassifier(
        2, n_networks=1, alpha=1.0, max_iter=3, engine="numpy", random_state=0
    )
    code = tl.to_numpy_code(model.fit(frame, y))
    space = {}
    exec(code, space)
    assert space["COLUMNS"] == NASTY
    assert (space["predict"](rows()) == model.predict(frame)).all()
    assert "os" not in space


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.float32, bool, object])
def test_classes_keep_their_type(dtype):
    y = (targets("number") > 0).astype(int)
    y = np.array(["a", "b"], dtype=object)[y] if dtype is object else y.astype(dtype)
    model = tl.TwoLayerClassifier(2, n_networks=1, alpha=1.0, max_iter=3, engine="numpy").fit(
        rows(), y
    )
    space = {}
    exec(tl.to_numpy_code(model), space)
    assert space["predict"](rows()).dtype == model.predict(rows()).dtype
    assert (space["predict"](rows()) == own_predictions(model, rows())["label"]).all()


def test_rows_may_be_lists_and_whole_numbers():
    space = {}
    params = tl.init_params(2, 3, 1)
    exec(tl.to_numpy_code(params), space)
    assert np.allclose(space["predict"]([[1, 2]]), tl.forward([[1, 2]], params), rtol=1e-14)


def test_the_complementary_error_function_is_that_of_python():
    for a in np.linspace(0, 6, 500):
        t = 2 / (2 + a)
        p = sum(c * (2 * t - 1) ** k for k, c in enumerate(cdf_coefficients()))
        assert abs(t * math.exp(p - a * a) - math.erfc(a)) <= 4e-14 * math.erfc(a)


@pytest.mark.parametrize("n_networks", [1, 2])
@pytest.mark.parametrize("named", [False, True])
def test_the_code_says_what_it_takes_and_what_it_is(named, n_networks):
    x = np.random.default_rng(0).standard_normal((20, 2))
    model = tl.TwoLayerRegressor(2, n_networks=n_networks, alpha=1.0, max_iter=2, random_state=0)
    model.fit(x, x[:, 0])
    if named:
        model.feature_names_in_ = np.array(["age", "dose"], dtype=object)
    code = tl.to_numpy_code(model)
    assert ("the columns in the order of COLUMNS" in code) == named
    assert ("'age'" in code) == named
    assert ("The output of the k-th network" in code) == (n_networks > 1)
    assert ("The network's output" in code) == (n_networks == 1)
