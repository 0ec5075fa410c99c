"""Model files made to do harm: every command says in one line that the file is damaged, or works as ever; none hangs."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from command_line import frame_of
from slow_cases import slow

import twolayer as tl
from twolayer import FileError, InputError, checks, saving
from twolayer.cli.commands.fit import fit

pytestmark = pytest.mark.usefixtures("blank_pictures")

HUGE = 2**50  # axes that would take weeks to go through, in files of a few kB


def taken_apart(content):
    """The arrays of a model file, and its record."""
    start = 8 + struct.unpack("<Q", content[:8])[0]
    record = json.loads(json.loads(content[8:start])["__metadata__"]["twolayer"])
    return safetensors.numpy.load(content), record


def set_in(record, path, value):
    *path, last = path
    for name in path:
        record = record[name]
    record[last] = value


def nested(depth):
    """Text in lists in lists, so many deep."""
    value = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table and a model of every kind that `fit` makes, by name, and the table's name."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        frame = frame_of("diabetes").head(80)[["age", "bmi", "bp", "target"]]
        frame.to_csv("numbers.csv", index=False)
        flowers = frame_of("iris").iloc[::2].copy()
        flowers["place"] = np.where(np.arange(len(flowers)) % 3, "hill", "shore")
        flowers.to_csv("classes.csv", index=False)
        few = {"max_iter": 10, "quiet": True}
        fit("numbers.csv", "target", out="one", **few)
        fit("numbers.csv", ["bmi", "bp"], out="two", n_networks="1", **few)
        fit("classes.csv", "target", out="classes", **few)
        fit("numbers.csv", "target", out="cv", cv=2, alpha="1,10", **few)
        model = tl.TwoLayerRegressor(3, alpha=1.0, max_iter=5, early_stopping=True)
        bare = model.fit(frame.drop(columns="target"), frame["target"])
        Path("bare").mkdir()
        tl.save(bare, "bare/numbers.twolayer.safetensors")
    return {
        kind: (folder / table, next((folder / kind).glob("*.safetensors")).read_bytes())
        for kind, table in {
            "one": "numbers.csv",
            "two": "numbers.csv",
            "classes": "classes.csv",
            "cv": "numbers.csv",
            "bare": "numbers.csv",
        }.items()
    }


def commands(table, model="m.safetensors"):
    target = ["--target", "target"] if "bare" in str(model) else []
    return [
        ("inspect", model),
        ("inspect", model, "--json"),
        ("predict", model, table),
        ("evaluate", model, table, *target),
        ("report", model, table, *target, "--out", "page"),
        ("export", model, "--to", "numpy", "--out", "code.py"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["one", "two", "classes", "cv", "bare"])
def test_good_files_pass_every_command(here, twolayer, made, kind):
    table, content = made[kind]
    Path(f"{kind}.safetensors").write_bytes(content)
    for words in commands(table, f"{kind}.safetensors"):
        code, _, err = twolayer(*words)
        assert code == 0, (words, err)
    model, about = saving.read_model(f"{kind}.safetensors")
    assert saving.model_bytes(model, about) == content


def refused(twolayer, content, message, by):
    Path("m.safetensors").write_bytes(content)
    for words in by:
        code, _, err = twolayer(*words)
        assert code == 2, (words, err)
        assert err.count("\n") == 1, err
        assert err[:-1].isprintable(), err
        assert err.startswith("twolayer: m.safetensors cannot be read as a model: "), err
        assert message in err, err


NETWORK = "two-layer network"
FORGED = [
    (("about", "scores", NETWORK), "x", "'scores' is damaged: 'x' is not a set of names"),
    (("about", "scores", NETWORK), [], "'scores' is damaged: [] is not"),
    (("about", "scores"), [1], "'scores' is damaged: [1] is not"),
    (("about", "scores", NETWORK, "R²"), [1], "'scores' is damaged: [1] is not a finite"),
    (("about", "scores", NETWORK, "R²"), {}, "'scores' is damaged: {} is not a finite"),
    (("about", "scores", NETWORK, "R²"), None, "'scores' is damaged: None is not"),
    (("about", "scores", NETWORK, "R²"), True, "'scores' is damaged: True is not"),
    (("about", "scores", NETWORK, "R²"), 1e308, "'scores' is damaged: 1e+308 is not"),
    (("about", "scores"), nested(900), "'scores' is damaged: it is nested more than 16 deep"),
    (("about", "more"), nested(900), "'more' is damaged: it is nested more than 16 deep"),
    (("facts", "settings"), {"x": nested(900)}, "'settings' is damaged: it is nested"),
    (("about", "training", "spreads", 0), -1e308, "'training' is damaged: -1e+308 is not"),
    (("about", "training", "spreads", 0), -1.0, "'training' is damaged: -1.0 is not at least 0"),
    (("about", "training", "spreads", 2), [], "'training' is damaged: [] is not a finite"),
    (("about", "training", "spreads"), [1.0], "'training' is damaged: 1 spreads for 3 inputs"),
    (("about", "training", "spreads"), "abc", "'training' is damaged: 'abc' is not a list"),
    (("about", "training"), "abc", "'training' is damaged: 'abc' is not a set of names"),
    (("about", "training", "idle_units"), ["a"], "'training' is damaged: 'a' is not a whole"),
    (("about", "training", "course", "steps"), [1], "gradient_norms for 1 steps"),
    (("about", "training", "course", "update_sizes", 0), 3, "'training' is damaged: 3 is not"),
    (
        ("about", "training", "course", "update_sizes", 0),
        [],
        "not every step of its training history has",
    ),
    (("about", "training", "course", "gradient_norms", 0, 0), -1, "-1 is not at least 0"),
    (("about", "rows"), {"train": "a", "test": 1}, "'rows' is damaged: 'a' is not a whole"),
    (("about", "rows"), {"train": 1}, "'rows' is damaged: None is not a whole number"),
    (("about", "rows", "train"), -1, "'rows' is damaged: -1 is not a whole number from 0"),
    (("about", "test_size"), 2, "'test_size' is damaged: 2 is not between 0 and 1"),
    (("about", "seed"), 2**40, "'seed' is damaged: 1099511627776 is not a whole number"),
    (("about", "table"), {}, "'table' is damaged: {} is not text"),
    (("about", "table"), "a\nb", "'table' is damaged: 'a\\nb' holds a control character"),
    (("about", "target"), "a\nb", "'target' is damaged: 'a\\nb' holds a control character"),
    (("about", "target"), "\x1b[2J", "'target' is damaged: '\\x1b[2J' holds a control"),
    (("about", "target"), ["y", "\x9b2J"], "'target' is damaged: '\\x9b2J' holds a control"),
    (("about", "target"), ["y", "y"], "is not a list of different names"),
    (("about", "target"), 3, "'target' is damaged: 3 is not a list"),
    (("about", "groups"), ["a"], "'groups' is damaged: ['a'] is not text"),
    (("about", "encoder", "left_out"), {"a": "\x1b]0;x\x07"}, "holds a control character"),
    (("about", "\x1b[2J"), 1, "'\\x1b[2J' is damaged"),
    (("facts", "stopped"), "\x1b[2J", "'stopped' is damaged: '\\x1b[2J' holds a control"),
    (("facts", "columns", 0), "\x1b[2J", "'columns' is damaged: '\\x1b[2J' holds a control"),
    (("facts", "found", "noise_std_"), None, "its entry 'noise_std_' is None"),
    (("facts", "found", "noise_std_"), [], "its noise is not one number per output"),
    (("facts", "found", "alpha_"), [1.0], "alpha_ must be a finite number"),
    (("facts", "found"), {}, "its alpha is missing"),
    (("facts", "found", "solver_"), [1], "its entry 'solver_' is [1]"),
    (("facts", "found", "alphas_tried_"), [1.0], "alphas tried are not pairs"),
    (("facts", "found", "alphas_tried_"), [], "alphas tried are not pairs"),
    (("facts", "found", "validation_scores_"), [1.0], "its validation scores are not those"),
    (("facts", "settings", "solver"), [1], "its setting 'solver' is [1]"),
]


def with_one_entry_forged(content, path, value):
    arrays, record = taken_apart(content)
    set_in(record, path, value)
    return safetensors.numpy.save(arrays, {"twolayer": json.dumps(record)})


@pytest.mark.parametrize(("path", "value", "message"), FORGED)
def test_a_forged_description(here, twolayer, made, path, value, message):
    table, content = made["one"]
    forged = with_one_entry_forged(content, path, value)
    refused(twolayer, forged, message, by=commands(table)[:1])


@pytest.mark.parametrize(
    ("path", "value", "message"), [*FORGED[:1], *FORGED[-1:], *slow(*FORGED[1:-1])]
)
def test_every_command_refuses_a_forged_description(here, twolayer, made, path, value, message):
    table, content = made["one"]
    forged = with_one_entry_forged(content, path, value)
    refused(twolayer, forged, message, by=commands(table))


@pytest.mark.parametrize(
    ("names", "value", "message"),
    [
        (("w1", "w2"), 1e200, "its weights, or products of them, are above 1e+140"),
        (("w1", "w2"), 1e308, "its weights, or products of them, are above"),
        (("w1", "w2"), 1e100, "its weights, or products of them, are above"),
        (("b1", "w2"), -1e100, "its weights, or products of them, are above"),
        (("b2",), -1e200, "its weights, or products of them, are above"),
        (("losses",), 1e308, "its array 'losses' holds numbers above 1e+150"),
        (("losses",), -1e308, "its array 'losses' holds numbers above 1e+150"),
        (("final_loss",), -1e308, "its array 'final_loss' holds numbers above 1e+150"),
    ],
)
@pytest.mark.parametrize("kind", ["one", *slow("classes")])
def test_numbers_that_are_too_large(here, twolayer, made, kind, names, value, message):
    table, content = made[kind]
    arrays, record = taken_apart(content)
    for name in names:
        arrays[name] = np.full_like(arrays[name], value)
    forged = safetensors.numpy.save(arrays, {"twolayer": json.dumps(record)})
    refused(twolayer, forged, message, by=commands(table))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["one", "classes"])
def test_the_largest_weights_that_pass_work_everywhere(here, twolayer, made, kind):
    """Warnings are errors here."""
    table, content = made[kind]
    arrays, record = taken_apart(content)
    for name, value in {"w1": 1e70, "b1": 1e70, "w2": 9e69, "b2": 9e139}.items():
        arrays[name] = np.full_like(arrays[name], value)
    Path("m.safetensors").write_bytes(
        safetensors.numpy.save(arrays, {"twolayer": json.dumps(record)})
    )
    for words in commands(table):
        code, _, err = twolayer(*words)
        assert code in (0, 2), (words, err)
        assert code == 0 or err.count("\n") == 1, err


# ---- arrays of nothing


def of_shapes(record, **shapes):
    """A model file whose arrays have these shapes and no numbers."""
    header = {"__metadata__": {"twolayer": json.dumps(record)}}
    for name, shape in shapes.items():
        header[name] = {"dtype": "F64", "shape": shape, "data_offsets": [0, 0]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (
            {
                "w1": [HUGE, 0, 5],
                "b1": [HUGE, 0],
                "w2": [HUGE, 0, 1],
                "b2": [0, HUGE],
                "losses": [0, HUGE],
                "final_loss": [0],
            },
            "is empty: its shape is",
        ),
        ({"w1": [0, HUGE]}, f"its array 'w1' is empty: its shape is (0, {HUGE})"),
        ({"w2": [0, HUGE, HUGE]}, "its array 'w2' is empty"),
        ({"losses": [HUGE, 0]}, "its array 'losses' is empty"),
        ({"losses": [0, HUGE]}, "its array 'w1' is missing"),
        ({"w1": [0] * 60}, "its array 'w1' has 60 axes"),
        ({"w1": [0] * 60_000}, "its array 'w1' has 60000 axes"),
    ],
)
def test_empty_arrays_with_huge_axes(here, twolayer, made, shapes, message):
    table, content = made["one"]
    forged = of_shapes(taken_apart(content)[1], **shapes)
    refused(twolayer, forged, message, by=commands(table))


def test_losses_of_no_steps_with_a_huge_axis(tmp_path, made):
    arrays, record = taken_apart(made["one"][1])
    with_none = {**arrays, "losses": arrays["losses"][:0]}
    content = safetensors.numpy.save(with_none, {"twolayer": json.dumps(record)})
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    assert tl.load(path).n_iter_ == 0
    start = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:start])
    header["losses"]["shape"] = [0, HUGE]
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[start:])
    with pytest.raises(FileError, match="its array 'losses' has the shape"):
        tl.load(path)


@pytest.mark.parametrize("shape", [(HUGE, 0, 5), (0, HUGE), (3, HUGE, 0), (0,)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_nothing_is_looked_for_in_an_empty_array(shape, order):
    array = np.lib.stride_tricks.as_strided(np.zeros(0), shape, (0,) * len(shape))
    assert checks.find_not_finite(array if order == "C" else array.T) == (None, 0)


# ---- what cannot be read is not written


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"scores": {"R²": 0.5}}, "'scores' is damaged: 0.5 is not a set of names"),
        ({"target": "\x1b[2J"}, "'target' is damaged"),
        ({"notes": nested(50)}, "'notes' is damaged: it is nested"),
        ({"notes": 1e200}, "'notes' is damaged: 1e\\+200 is not"),
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path, about, message):
    with pytest.raises(InputError, match=f"this params cannot be saved: .*{message}"):
        tl.save(tl.init_params(3, 2, 1), tmp_path / "m", about)
    assert not list(tmp_path.iterdir())


def test_weights_too_large_are_not_written(tmp_path):
    params = tl.init_params(3, 2, 1).map(lambda w: w * 0 + 1e200)
    with pytest.raises(
        InputError,
        match=r"this params cannot be saved: its weights, or products of them, are above",
    ):
        tl.save(params, tmp_path / "m")
