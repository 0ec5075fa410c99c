"""`twolayer export` from the command line: every form, and what is refused with one line, exit code 2 and files kept."""

import importlib.util
import json

import numpy as np
import pytest

import twolayer as tl
from twolayer.cli.main import main
from twolayer.export import numpy_code

ROWS = np.random.default_rng(0).standard_normal((30, 3))
ENDINGS = {"onnx": "net.onnx", "torch": "net.pt", "sklearn": "net.py", "numpy": "net.py"}
NEEDS = {"onnx": "onnxruntime", "torch": "torch"}


@pytest.fixture(scope="module")
def frame():
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(ROWS, columns=["age", "dose", "weight"])


@pytest.fixture(scope="module")
def classifier(frame):
    y = np.where(ROWS[:, 0] > 0, "yes", "no")
    return tl.TwoLayerClassifier(
        4, n_networks=1, alpha=1.0, max_iter=5, engine="numpy", random_state=0
    ).fit(frame, y)


@pytest.fixture
def here(tmp_path, monkeypatch, classifier):
    """An empty folder to work in, with models in it."""
    monkeypatch.chdir(tmp_path)
    tl.save(classifier, "model.safetensors")
    tl.save(tl.init_params(3, 4, 2, skip=True), "weights.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    return tmp_path


def run(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(["export", *words])
    told = capsys.readouterr()
    return left.value.code, told.out, told.err


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("form", ENDINGS)
def test_every_form_is_written_and_the_way_to_use_it_is_said(form, here, capsys):
    if form in NEEDS and importlib.util.find_spec(NEEDS[form]) is None:
        pytest.skip(f"{NEEDS[form]} is not installed")
    out = ENDINGS[form]
    code, told, errors = run(capsys, "model.safetensors", "--to", form, "--out", out)
    assert (code, errors) == (0, "")
    first, second, *use = told.splitlines()
    assert first == f"{out}: 3 inputs, 4 hidden units (relu), 1 output, float64"
    assert second == "its inputs are the model's columns, in this order: age, dose, weight"
    assert (
        use[0]
        == {
            "onnx": "checked: onnxruntime predicts what the model does",
            "torch": "load it with",
            "sklearn": "use it with",
            "numpy": "use it with",
        }[form]
    )
    assert (here / out).stat().st_size > 0


def test_the_lines_that_are_said_for_torch_load_it(here, capsys, classifier, frame):
    torch = pytest.importorskip("torch")
    _, told, _ = run(capsys, "model.safetensors", "--to", "torch", "--out", "net.pt")
    lines = told.splitlines()
    assert lines[-1].endswith("classes: no, yes")
    space = {"torch": torch, "nn": torch.nn}
    exec("\n".join(lines[3:-1]), space)
    logits = space["module"](torch.from_numpy(ROWS)).detach().numpy()[:, 0]
    assert np.abs(logits - classifier.decision_function(frame)).max() < 1e-12


def test_the_dtype_and_the_activation_are_those_asked_for(here, capsys):
    words = ["--to", "numpy", "--out", "net.py", "--dtype", "float32", "--activation", "tanh"]
    code, told, _ = run(capsys, "weights.safetensors", *words)
    assert code == 0
    assert (
        "4 hidden units (tanh), 2 outputs, and a direct path from input to output, float32" in told
    )
    found = loaded(here / "net.py").predict(ROWS)
    assert found.dtype == np.float32
    wanted = tl.forward(ROWS, tl.load("weights.safetensors"), "tanh")
    assert np.abs(found - wanted).max() < 1e-6 * np.abs(wanted).max()


def test_weights_beside_the_code_are_told_of(here, capsys, monkeypatch):
    monkeypatch.setattr(numpy_code, "MAX_INLINE_WEIGHTS", 5)
    _, told, _ = run(capsys, "model.safetensors", "--to", "numpy", "--out", "net.py")
    assert told.splitlines()[-1] == "its weights are beside it: net.weights.npz"
    assert (here / "net.weights.npz").exists()


@pytest.mark.parametrize(
    ("categories", "told_of"), [({"site": ["lung", "colon"]}, True), ({}, False)]
)
def test_it_is_said_where_the_encoder_is_if_there_is_one(
    here, capsys, classifier, categories, told_of
):
    encoder = {"numbers": ["age"], "categories": categories, "booleans": {}, "marked": []}
    tl.save(classifier, "fitted.safetensors", {"encoder": encoder})
    code, told, _ = run(capsys, "fitted.safetensors", "--to", "numpy", "--out", "net.py")
    assert code == 0
    assert ("entry 'encoder' of the model file" in told) == told_of


def test_what_float32_cannot_hold_is_told_in_one_line(here, capsys):
    model = tl.TwoLayerRegressor(4, n_networks=1, alpha=1.0, max_iter=3, engine="numpy")
    tl.save(model.fit(ROWS + 1e5, ROWS[:, 0]), "far.safetensors")
    words = ["far.safetensors", "--to", "numpy", "--out", "net.py"]
    assert run(capsys, *words)[::2] == (0, "")
    code, _, errors = run(capsys, *words, "--dtype", "float32")
    assert code == 0
    assert errors.startswith("twolayer: in float32 hidden units are right to about")
    assert errors.count("\n") == 1


REFUSED = {
    "unknown form": (["model.safetensors", "--to", "onxn", "--out", "a"], "did you mean 'onnx'?"),
    "no such model": (["nothing", "--to", "numpy", "--out", "a.py"], "nothing cannot be read"),
    "damaged model": (["damaged.safetensors", "--to", "numpy", "--out", "a.py"], "it was cut off"),
    "a folder": ([".", "--to", "numpy", "--out", "a.py"], ". cannot be read"),
    "over the model": (
        ["model.safetensors", "--to", "onnx", "--out", "./model.safetensors"],
        "would overwrite what is read",
    ),
    "wrong ending": (["model.safetensors", "--to", "numpy", "--out", "a.csv"], "must end in .py"),
    "no such folder": (["model.safetensors", "--to", "numpy", "--out", "no/a.py"], "there is no folder no: make it first"),
    "skip layer": (["weights.safetensors", "--to", "sklearn", "--out", "a.py"], "cannot hold a skip layer"),
    "dtype": (["model.safetensors", "--to", "numpy", "--out", "a.py", "--dtype", "int8"], "dtype must be"),
    "activation": (
        ["model.safetensors", "--to", "numpy", "--out", "a.py", "--activation", "tanh"],
        "activation is for Params",
    ),
    "unknown activation": (
        ["weights.safetensors", "--to", "numpy", "--out", "a.py", "--activation", "tan"],
        "did you mean 'tanh'?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_done_is_one_line_and_leaves_files_as_they_were(what, here, capsys):
    words, sentence = REFUSED[what]
    (here / "a.py").write_text("precious")
    before = {path: path.read_bytes() for path in here.iterdir()}
    code, told, errors = run(capsys, *words)
    assert (code, told) == (2, "")
    assert errors.startswith("twolayer: ")
    assert errors.count("\n") == 1
    assert sentence in errors
    assert {path: path.read_bytes() for path in here.iterdir()} == before


def test_missing_values_are_refused_or_told_of(tmp_path, monkeypatch, capsys):
    """By NumPy code with an error; an ONNX file says so, and has the medians."""
    monkeypatch.chdir(tmp_path)
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(ROWS.round(2), columns=["age", "dose", "weight"])
    table.loc[3, "dose"] = np.nan
    table.assign(y=np.where(ROWS[:, 0] > 0, "yes", "no")).to_csv("t.csv", index=False)
    with pytest.raises(SystemExit):
        main(["fit", "t.csv", "--target", "y", "--n-networks", "1", "--alpha", "1", "--quiet"])
    assert run(capsys, "t.twolayer.safetensors", "--to", "numpy", "--out", "net.py")[0] == 0
    module = loaded(tmp_path / "net.py")
    x = np.zeros((2, len(module.COLUMNS)))
    module.predict(x)
    for value in (np.nan, np.inf):
        x[1, 1] = value
        for answer in (module.predict, module.predict_proba, module.forward):
            with pytest.raises(
                ValueError, match="x has values that are missing or infinite: fill them in"
            ):
                answer(x)
    onnx = pytest.importorskip("onnx")
    assert run(capsys, "t.twolayer.safetensors", "--to", "onnx", "--out", "net.onnx")[0] == 0
    read = onnx.load("net.onnx")
    props = {entry.key: entry.value for entry in read.metadata_props}
    medians = tl.saving.read_model("t.twolayer.safetensors")[1]["encoder"]["medians"]
    assert list(json.loads(props["medians"]).items()) == list(
        zip(["age", "dose", "weight"], medians, strict=True)
    )
    assert "Fill them in before" in read.doc_string


@pytest.mark.parametrize("form", ENDINGS)
def test_a_folder_that_is_not_there_is_refused_before_the_work(form, here, capsys):
    out = f"nowhere/{ENDINGS[form]}"
    code, _, err = run(capsys, "model.safetensors", "--to", form, "--out", out)
    assert (code, err) == (2, f"twolayer: --out {out}: there is no folder nowhere: make it first\n")
