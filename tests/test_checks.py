"""The door: what users give is taken in any layout, or refused in one clear sentence, never with NumPy's own words."""

import datetime
import decimal
import fractions
import re

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import twolayer as tl
from twolayer import checks
from twolayer.engines import NAMES, torch_engines

X = np.array([[1.0, 2], [3, -4], [0, 5], [-6, 7]])
Y = np.array([[1.0], [0], [2], [-1]])
P = tl.init_params(2, 3, 1)
WHOLE = tl.Params(
    np.array([[1.0, -2], [3, 4]]), np.array([1.0, -1]), np.array([[1.0], [2]]), np.array([-3.0])
)


def train(x=X, y=Y, params=P, **options):
    return tl.train(
        x, y, params, **{"engine": "numpy", "steps": 2, "learning_rate": 1e-3, **options}
    )


def refused(call, *said, error=tl.InputError):
    """Assert that the call is refused in one clear sentence that says all this."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    for part in said:
        assert part in message, f"{part!r} is not said in {message!r}"
    assert_one_clear_sentence(caught.value)
    return message


def assert_one_clear_sentence(error):
    """One line, not too long, in the user's words, and with no traceback of another error above it."""
    message = str(error)
    assert "\n" not in message
    assert 15 < len(message) < 300, message
    assert not re.search(
        r"broadcast|ufunc|operand|setting an array|object has no attribute|__\w+__", message
    ), message
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    assert isinstance(
        error, ValueError
    )  # so that code which knows nothing of twolayer catches it too


# Shapes


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (X[:, 0], ["x must have two axes", "(4,)", "x.reshape(-1, 1)"]),
        (X[None], ["x must have two axes", "(1, 4, 2)"]),
        (X[:, :1], ["x has 1 columns", "w1 has 2 rows"]),
        (X[:3], ["x has 3 rows and y has 4"]),
        (X[:0], ["x is empty", "(0, 2)"]),
        (X[:, :0], ["x is empty", "(4, 0)"]),
        ([], ["x must have two axes"]),
        ([[1, 2], [3]], ["x", "not all of the same length"]),
        (scipy.sparse.csr_array((4, 0)), ["x is empty"]),
        (scipy.sparse.coo_array(X[:, 0]), ["x must have two axes"]),
        (scipy.sparse.csr_array(X[:, :1]), ["x has 1 columns"]),
        (None, ["x must be a table of numbers", "NoneType"]),
        ("data.csv", ["x must be a table of numbers", "str"]),
        (3.5, ["x must be a table of numbers", "one number"]),
        ({"a": [1]}, ["x must be a table of numbers", "dict"]),
    ],
    ids=repr,
)
def test_the_shape_of_x(x, said):
    refused(lambda: train(x), *said)
    if "y" not in said[0].split():
        refused(lambda: tl.forward(x, P), *said)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (Y[:3], ["x has 4 rows and y has 3"]),
        (Y[None], ["y must have the shape (n_rows, n_outputs)", "(1, 4, 1)"]),
        (np.hstack([Y, Y]), ["y has 2 columns", "w2 has 1"]),
        (Y[:, :0], ["y has 0 columns"]),
        ([], ["x has 4 rows and y has 0"]),
        (None, ["y must be a table of numbers", "NoneType"]),
        (scipy.sparse.csr_array(Y), ["y is sparse", "y.toarray()"]),
    ],
    ids=repr,
)
def test_the_shape_of_y(y, said):
    refused(lambda: train(y=y), *said)


def changed(**arrays):
    return lambda: tl.Params(**{**dict(P.items()), **arrays})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (changed(w1=np.ones(3)), ["w1 must have the shape (n_inputs, n_hidden)", "(3,)"]),
        (changed(w1=np.ones((2, 2, 2, 2))), ["w1 must have the shape", "(2, 2, 2, 2)"]),
        (
            changed(w1=np.ones((5, 2, 3))),
            [["w1", "(n_inputs,", "n_hidden)"][0], "(5, 2, 3)", "(3, 1)"],
        ),
        (changed(w1=np.ones((2, 4))), ["(3,)", "(2, 4)"]),
        (changed(w2=np.ones((4, 1))), ["w2 has the shape (4, 1)", "must be (3, 1)"]),
        (changed(b1=np.ones(4)), ["b1 has the shape (4,)", "must be (3,)"]),
        (changed(b1=np.ones((3, 1))), ["b1 has the shape (3, 1)", "must be (3,)"]),
        (changed(b2=np.ones((2, 1))), ["b2 has the shape (2, 1)", "must be (1,)"]),
        (changed(b1=np.array(1.0)), ["b1 must be a table of numbers", "one number"]),
        (changed(w_skip=np.ones((3, 1))), ["w_skip has the shape (3, 1)", "must be (2, 1)"]),
        (changed(w_skip=np.ones((2, 1, 1))), ["w_skip has the shape (2, 1, 1)"]),
        (changed(w1=np.ones((2, 0)), b1=np.ones(0), w2=np.ones((0, 1))), ["is empty", "(2, 0)"]),
        (changed(w1=None), ["params.w1 is None"]),
        (changed(w2=None), ["params.w2 is None"]),
        (changed(w1=np.array([["a"] * 3] * 2)), ["w1 must hold numbers", "row 0, column 0", "'a'"]),
        (changed(w1=P.w1 * np.nan), ["w1 has 6 values that are not finite"]),
        (changed(b2=np.array([np.inf])), ["b2 has 1 value that is not finite", "inf in row 0"]),
        (
            lambda: dict(P.items()),
            ["params must be a twolayer.Params", "twolayer.init_params", "dict"],
        ),
        (lambda: None, ["params must be a twolayer.Params", "NoneType"]),
        (lambda: P.w1, ["params must be a twolayer.Params", "ndarray"]),
    ],
)
def test_the_parameters(make, said):
    for call in (
        lambda: train(params=make()),
        lambda: tl.forward(X, make()),
        lambda: tl.loss_and_gradients(X, Y, make()),
    ):
        refused(call, *said)


@pytest.mark.parametrize(
    ("s", "said"),
    [
        (np.ones(3), ["sample_weight must have the shape (4,)", "(3,)"]),
        (np.ones((4, 1)), ["sample_weight must have the shape (4,)", "(4, 1)"]),
        ([1, 1, -0.5, 1], ["sample_weight must not be negative", "row 2", "-0.5"]),
        ([1, np.nan, 1, 1], ["sample_weight has 1 value that is not finite", "row 1"]),
        ([1, "heavy", 1, 1], ["sample_weight must hold numbers", "row 1", "'heavy'"]),
        ("balanced", ["sample_weight must be a table of numbers", "str"]),
    ],
    ids=repr,
)
def test_row_weights(s, said):
    refused(lambda: train(sample_weight=s), *said)


def test_row_weights_that_are_all_0():
    assert "sample_weight" in refused(lambda: train(sample_weight=np.zeros(4)), "zero in every row")


# Entries


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 5)), data=st.data(), bad=st.sampled_from([np.nan, np.inf, -np.inf]),
    sparse=st.booleans(), order=st.sampled_from("CF"), at_once=st.sampled_from([1, 3, 8, 1000]),
)  # fmt: skip
def test_the_first_entry_that_is_not_finite_is_named(
    shape, data, bad, sparse, order, at_once, monkeypatch
):
    monkeypatch.setattr(checks, "AT_ONCE", at_once)
    places = data.draw(
        st.sets(
            st.tuples(st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1)),
            min_size=1,
            max_size=3,
        )
    )
    x = np.arange(1.0, 1 + shape[0] * shape[1]).reshape(shape).copy(order=order)
    for place in places:
        x[place] = bad
    row, column = min(places)
    params = tl.init_params(shape[1], 2, 1)
    count = "1 value that is" if len(places) == 1 else f"{len(places)} values that are"
    said = ["x has", "not finite", str(bad), f"row {row}, column {column} (counted from 0)"] + (
        [] if sparse else [count]
    )
    refused(lambda: tl.forward(scipy.sparse.csr_array(x) if sparse else x, params), *said)


@settings(deadline=None, max_examples=40)
@given(
    row=st.integers(0, 3),
    column=st.integers(0, 1),
    text=st.text(max_size=40).filter(lambda t: not is_number(t)),
)
def test_text_where_a_number_is_due_is_named(row, column, text):
    x = X.astype(object)
    x[row, column] = text
    refused(lambda: train(x), "x must hold numbers", f"row {row}, column {column} (counted from 0)")
    as_text = [[str(v) for v in values] for values in x]
    if "\0" not in text:
        refused(
            lambda: train(as_text),
            "x must hold numbers",
            f"row {row}, column {column} (counted from 0)",
        )


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_column_of_a_frame_is_called_by_its_name(library):
    frames = pytest.importorskip(library)
    refused(
        lambda: train(frames.DataFrame({"age": [1, 2, 3, 4], "town": list("abcd")})),
        "row 0, column 1 ('town')",
        "'a'",
    )
    refused(
        lambda: train(frames.DataFrame({"age": [1, 2, 3, 4], "size": [1, 2, None, 4]})),
        "row 2, column 1 ('size')",
    )
    nan = frames.DataFrame({"age": [1.0, np.inf, 3, 4], "size": [1.0, 2, 3, 4]})
    refused(lambda: train(nan), "not finite", "row 1, column 0 ('age')")
    refused(
        lambda: train(y=frames.DataFrame({"price": ["low"] * 4})),
        "y must hold numbers",
        "column 0 ('price')",
    )


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (X + 1j, ["x holds complex numbers", "real part"]),
        (
            np.array([["2020-01-01", "2020-01-02"]] * 4, dtype="datetime64[D]"),
            ["x holds dates or times"],
        ),
        (np.array([[1, 2]] * 4, dtype="timedelta64[s]"), ["x holds dates or times"]),
        ([[datetime.date(2020, 1, 1), 1]] * 4, ["x must hold numbers", "row 0, column 0"]),
        ([[1, [2]]] * 4, ["x"]),
        ([[10**400, 1]] * 4, ["x must hold numbers", "row 0, column 0"]),
        (np.ma.masked_array(X, mask=X == 5), ["x has masked entries", "row 2, column 1"]),
        (np.zeros(4, dtype=[("a", float), ("b", float)]), ["x must hold numbers"]),
        (np.array([[b"a", b"b"]] * 4), ["x must hold numbers", "row 0, column 0"]),
        (torch.tensor(X, requires_grad=True), ["x cannot be read as a table of numbers", "detach"]),
        (torch.tensor(X, device="meta"), ["x cannot be read as a table of numbers"]),
        (scipy.sparse.csr_array(X + 1j), ["x holds complex numbers"]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_entries_that_are_no_real_numbers(x, said):
    refused(lambda: train(x), *said)


@pytest.mark.parametrize("sparse", [False, True])
def test_numbers_too_large_for_float32_are_named(sparse):
    narrow = P.map(lambda w: w.astype("float32"))
    x, y = X.copy(), Y.copy()
    x[2, 1] = -1e39
    table = scipy.sparse.csr_array(x) if sparse else x
    refused(
        lambda: train(table, params=narrow),
        "x holds -1e+39 in row 2, column 1",
        "too large for float32",
        "rescale",
    )
    assert np.isfinite(train(table, steps=0).final_loss)
    y[3, 0] = 1e39
    refused(lambda: train(y=y, params=narrow), "y holds 1e+39 in row 3", "too large for float32")
    refused(
        lambda: train(sample_weight=[1, 1e39, 1, 1], params=narrow),
        "sample_weight holds 1e+39 in row 1",
        "float32",
    )


@pytest.mark.parametrize(
    ("y", "n_outputs", "said"),
    [
        ([0, 1, 2, 3], 3, ["class 3", "row 3", "with 3 outputs", "0 to 2"]),
        ([0, 1, -1, 2], 3, ["class -1", "row 2"]),
        ([0, 0.5, 1, 2], 3, ["class 0.5", "row 1"]),
        ([0, 1, 2, 1], 1, ["between 0 and 1", "row 2"]),
        (["cat", "dog", "cat", "dog"], 2, ["y must hold numbers", "'cat'"]),
        ([[1, 0, 0]] * 3 + [[1, 1, 0]], 3, ["add up to 1", "row 3", "2"]),
        ([[1, 0, 0]] * 3 + [[2, -1, 0]], 3, ["between 0 and 1", "row 3"]),
        ([[1, 0]] * 4, 3, ["y has 2 columns", "w2 has 3"]),
    ],
    ids=repr,
)
def test_classes(y, n_outputs, said):
    refused(lambda: train(y=y, params=tl.init_params(2, 3, n_outputs), loss="log_loss"), *said)


# Settings


@pytest.mark.parametrize(
    ("option", "values", "said"),
    [
        ("learning_rate", [0, -1e-6, np.nan, np.inf, "fast", None, True, 10**400, [0.1]], ["learning_rate must be a finite number above 0"]),
        ("momentum", [-0.1, np.nan, "big", None], ["momentum must be a finite number, at least 0"]),
        ("momentum", [1, 2.5], ["momentum must be below 1"]),
        ("alpha", [-1, np.inf, "auto", None, np.ones(2)], ["alpha must be a finite number, at least 0"]),
        ("tol", [-1, np.nan, "small", None], ["tol must be a finite number, at least 0"]),
        ("steps", [-1, 2.5, "many", None, True, 1e3], ["steps must be a whole number, at least 0"]),
        ("batch_size", [0, -4, 2.0, "auto", False], ["batch_size must be a whole number, at least 1"]),
        ("callback_every", [0, 1.5, "often"], ["callback_every must be a whole number, at least 1"]),
        ("callback", [3, "print", [print]], ["callback must be a function or None"]),
        ("random_state", [-1, "seed", 1.5, [None]], ["random_state must be a whole number, at least 0"]),
        ("loss", ["mse", None, 3, ["log_loss"]], ["there is no loss", "sum_of_squares, squared_error, log_loss"]),
        ("activation", ["gelu!", None, abs], ["there is no activation", "relu, identity, tanh, logistic"]),
        ("loss", [tl.Huber, type("Mine", (), {})()], ["there is no loss"]),
        ("solver", ["sgd", None, 3, []], ["there is no solver", "gd, adam"]),
        ("nesterov", [True, np.True_], ["nesterov needs momentum"]),
        ("nesterov", ["yes", 1, None, X], ["nesterov must be True or False"]),
        ("span", ["always", None, 3.5, 1, X], ["span must be True, False or 'auto'"]),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(option, values, said):
    for value in values:
        refused(lambda value=value: train(**{option: value}), *said)


def test_settings_that_do_not_go_together():
    refused(
        lambda: train(solver="adam", momentum=0.9), "momentum belongs to solver 'gd', not to 'adam'"
    )
    refused(lambda: train(solver="sgd", momentum=0.9), "there is no solver 'sgd'")
    refused(lambda: train(solver="lbfgs", batch_size=2), "solver 'lbfgs' works on all rows at once")


def test_the_nearest_name_is_offered():
    refused(lambda: train(loss="sum_of_square"), "did you mean 'sum_of_squares'?")
    refused(lambda: train(activation="ReLU"), "did you mean 'relu'?")
    refused(lambda: train(solver="Adam"), "did you mean 'adam'?")
    assert "did you mean" not in refused(lambda: train(loss="xyz"))


def test_a_long_value_is_shown_short():
    refused(lambda: train(learning_rate=np.ones(10000)))
    refused(lambda: train(loss="l" * 10000))
    refused(lambda: train([["t" * 10000, 1]] * 4))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"n_inputs": 0}, ["n_inputs must be a whole number, at least 1", "got 0"]),
        ({"n_hidden": -3}, ["n_hidden must be a whole number, at least 1"]),
        ({"n_outputs": 1.0}, ["n_outputs must be a whole number, at least 1", "1.0"]),
        ({"n_hidden": "100"}, ["n_hidden must be a whole number"]),
        ({"n_networks": 0}, ["n_networks must be a whole number, at least 1"]),
        ({"bias": "no"}, ["bias must be True or False"]),
        ({"skip": None}, ["skip must be True or False"]),
        ({"scheme": "xavier"}, ["there is no scheme 'xavier'", "normal, he, glorot"]),
        ({"dtype": "float16"}, ["dtype must be 'float64' or 'float32'", "float16"]),
        ({"dtype": "real"}, ["dtype must be 'float64' or 'float32'"]),
        ({"random_state": -1}, ["random_state must be a whole number, at least 0"]),
    ],
    ids=repr,
)
def test_starts_that_cannot_be(arguments, said):
    refused(
        lambda: tl.init_params(**{"n_inputs": 2, "n_hidden": 3, "n_outputs": 1, **arguments}), *said
    )


# Engines and devices


def test_an_unknown_engine_is_answered_with_the_list():
    for engine in ("jax", "Numpy", None, 3, ["numpy"], X):
        refused(
            lambda engine=engine: train(engine=engine),
            "there is no engine",
            *NAMES,
            "auto",
            error=tl.EngineError,
        )
        refused(
            lambda engine=engine: tl.loss_and_gradients(X, Y, P, engine=engine),
            *NAMES,
            error=tl.EngineError,
        )


TORCH = [name for name in NAMES if name.startswith("torch")]


@pytest.mark.parametrize("engine", TORCH)
def test_a_missing_torch_is_answered_with_the_line_that_installs_it(engine, monkeypatch):
    monkeypatch.setattr(torch_engines, "find_spec", lambda name: None)
    refused(
        lambda: train(engine=engine),
        engine,
        "not installed",
        "pip install 'twolayer[torch]'",
        error=tl.EngineError,
    )
    assert "pip install 'twolayer[torch]'" in tl.engines()[engine]
    assert tl.engines()["numpy"] is None
    assert train(engine="auto").engine in ("numpy", "compiled")


def test_every_engine_is_listed_and_ready_here():
    assert tuple(tl.engines()) == NAMES
    assert set(tl.engines().values()) == {None}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
@pytest.mark.parametrize("engine", [*TORCH, "auto"])
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:1"])
def test_cuda_asked_for_and_absent(engine, device):
    refused(
        lambda: train(engine=engine, device=device),
        f"'{device}'",
        "no CUDA device",
        "device='cpu'",
        error=tl.EngineError,
    )


@pytest.mark.parametrize("engine", TORCH)
@pytest.mark.parametrize("device", ["gpu", "", "meta", "cuda:x", None, 3, X])
def test_a_device_that_is_none(engine, device):
    said = f"'{device}'" if isinstance(device, str) else "there is no device"
    refused(lambda: train(engine=engine, device=device), said, error=tl.EngineError)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("device", ["cuda", "gpu"])
def test_engines_of_the_processor_take_no_other_device(engine, device):
    refused(
        lambda: train(engine=engine, device=device),
        f"'{engine}'",
        "'cpu' only",
        f"'{device}'",
        error=tl.EngineError,
    )


# Every layout that holds the same numbers gives the same result


def unaligned(a):
    buffer = np.zeros(a.nbytes + 1, dtype=np.uint8)
    view = buffer[1:].view(a.dtype).reshape(a.shape)
    view[:] = a
    return view


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def every_other(a):
    wide = np.full((2 * a.shape[0], 3 * a.shape[1]), np.nan)
    wide[::2, ::3] = a
    return wide[::2, ::3]


def frame(library, a):
    frames = pytest.importorskip(library)
    return frames.DataFrame({f"c{j}": a[:, j] for j in range(a.shape[1])})


@pytest.fixture
def mapped(tmp_path):
    def write(a):
        path = tmp_path / f"{a.shape}.npy"
        np.save(path, a)
        return np.load(path, mmap_mode="r")

    return write


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "rows upside down": lambda a: a[::-1].copy()[::-1],
    "columns from right to left": lambda a: a[:, ::-1].copy()[:, ::-1],
    "every other entry": every_other,
    "read-only": read_only,
    "unaligned": unaligned,
    "big-endian": lambda a: a.astype(">f8"),
    "float16": lambda a: a.astype("f2"),
    "float32": lambda a: a.astype("f4"),
    "long double": lambda a: a.astype(np.longdouble),
    "int8": lambda a: a.astype("i1"),
    "int64, big-endian": lambda a: a.astype(">i8"),
    "nothing masked": lambda a: np.ma.masked_array(a, mask=np.zeros(a.shape, bool)),
    "lists": lambda a: a.tolist(),
    "tuples of lists": lambda a: tuple(map(list, a)),
    "objects": lambda a: a.astype(object),
    "fractions": lambda a: [[fractions.Fraction(v) for v in row] for row in a],
    "decimals": lambda a: [[decimal.Decimal(v) for v in row] for row in a],
    "tensor": torch.tensor,
    "float32 tensor": lambda a: torch.tensor(a, dtype=torch.float32),
    "pandas": lambda a: frame("pandas", a),
    "polars": lambda a: frame("polars", a),
}


def assert_same_run(run, expected):
    """The same numbers, summed perhaps in another order."""
    np.testing.assert_allclose(run.losses, expected.losses, rtol=1e-13)
    for (_, w), (_, other) in zip(run.params.items(), expected.params.items(), strict=True):
        assert w.dtype == other.dtype
        np.testing.assert_allclose(w, other, rtol=1e-13)


@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch", "torch-nn"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_same_numbers(engine, name):
    change = LAYOUTS[name]
    expected = train(params=WHOLE, engine=engine, batch_size=3, random_state=0)
    assert_same_run(
        train(change(X), change(Y), WHOLE, engine=engine, batch_size=3, random_state=0), expected
    )
    np.testing.assert_allclose(tl.forward(change(X), WHOLE), tl.forward(X, WHOLE), rtol=1e-13)


@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch", "torch-nn"])
def test_a_table_on_disk_gives_the_same_numbers(engine, mapped):
    run = train(mapped(X), mapped(Y), WHOLE, engine=engine)
    assert_same_run(run, train(params=WHOLE, engine=engine))


@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch", "torch-nn"])
@pytest.mark.parametrize(
    "name",
    [name for name in LAYOUTS if name not in ("float32", "float32 tensor", "pandas", "polars")],
)
def test_every_layout_of_the_weights(engine, name):
    def change(w):
        changed = LAYOUTS[name](np.atleast_2d(w))
        if isinstance(changed, (list, tuple)):
            return changed if w.ndim == 2 else changed[0]
        return changed.reshape(w.shape)

    params = tl.Params(**{key: change(w) for key, w in WHOLE.items()})
    assert_same_run(train(params=params, engine=engine), train(params=WHOLE, engine=engine))


@pytest.mark.parametrize(
    "kind",
    [
        scipy.sparse.csr_array,
        scipy.sparse.csc_matrix,
        scipy.sparse.coo_array,
        scipy.sparse.lil_array,
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "bool", ">f8"])
def test_every_sparse_layout(kind, dtype):
    x = (X > 0).astype(dtype)
    assert_same_run(
        train(kind(x.astype(np.dtype(dtype).newbyteorder("="))), params=WHOLE),
        train(x, params=WHOLE),
    )


def test_sparse_tables_with_entries_stored_twice_or_as_0():
    rows, columns, entries = [0, 0, 1, 2, 3], [1, 1, 0, 0, 1], [1.0, 2.0, 4.0, 0.0, -5.0]
    x = scipy.sparse.coo_array((entries, (rows, columns)), shape=(4, 2))
    assert_same_run(train(x, params=WHOLE), train(x.toarray(), params=WHOLE))


# Whatever is given, nothing but a TwoLayerError comes out


def matrix(a):
    return np.asarray(a).view(np.matrix)


odd_arrays = hnp.arrays(
    dtype=st.one_of(
        hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.floating_dtypes(), hnp.complex_number_dtypes(),
        hnp.datetime64_dtypes(), hnp.timedelta64_dtypes(), hnp.unicode_string_dtypes(), hnp.byte_string_dtypes(),
        hnp.array_dtypes(),
    ),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)  # fmt: skip
four_by_two = hnp.arrays(st.one_of(hnp.floating_dtypes(), hnp.integer_dtypes()), (4, 2))
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=5), st.complex_numbers(),
    st.dates(), st.decimals(), st.fractions(), st.just(object()), st.just(np.float64), st.just(len),
)  # fmt: skip
nested = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.tuples(inner, inner)),
    max_leaves=10,
)
anything = st.one_of(
    odd_arrays,
    four_by_two,
    nested,
    st.dictionaries(st.text(max_size=3), leaves, max_size=3),
    four_by_two.map(lambda a: np.ma.masked_array(a, mask=np.arange(8).reshape(4, 2) % 3 == 0)),
    four_by_two.map(matrix),
    four_by_two.map(lambda a: a[::-1]),
    st.sampled_from(
        [scipy.sparse.csr_array(X), scipy.sparse.coo_array((4, 2)), scipy.sparse.dok_array((3, 2))]
    ),
    st.sampled_from(
        [torch.tensor(X), torch.ones(4, 1), torch.tensor(X).to_sparse(), torch.tensor(1j)]
    ),
    st.builds(lambda: (row for row in X)),
)
fuzz = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def only_our_errors(call):
    try:
        with np.errstate(all="ignore"):
            return call()
    except tl.DivergedError:
        return None
    except tl.TwoLayerError as error:
        assert_one_clear_sentence(error)
        return None


@fuzz
@given(value=anything)
def test_any_table_is_taken_or_refused(value):
    run = only_our_errors(lambda: train(value))
    if run is not None:
        assert np.isfinite(run.losses).all()
    only_our_errors(lambda: tl.forward(value, P))


@fuzz
@given(
    value=anything,
    loss=st.sampled_from(["sum_of_squares", "log_loss"]),
    n_outputs=st.integers(1, 3),
)
def test_any_target_is_taken_or_refused(value, loss, n_outputs):
    only_our_errors(lambda: train(y=value, params=tl.init_params(2, 3, n_outputs), loss=loss))


@fuzz
@given(value=anything, name=st.sampled_from(["w1", "b1", "w2", "b2", "w_skip"]))
def test_any_weight_is_taken_or_refused(value, name):
    only_our_errors(lambda: train(params=tl.Params(**{**dict(P.items()), name: value})))


OPTIONS = [
    "loss", "activation", "solver", "learning_rate", "momentum", "nesterov", "alpha", "steps", "batch_size",
    "sample_weight", "tol", "engine", "device", "span", "random_state", "callback_every",
]  # fmt: skip


@fuzz
@given(
    value=anything.filter(lambda v: not (isinstance(v, int) and abs(v) > 1000)),
    name=st.sampled_from(OPTIONS),
)
def test_any_setting_is_taken_or_refused(value, name):
    only_our_errors(lambda: train(**{name: value}))


@fuzz
@given(value=anything.filter(lambda v: not (isinstance(v, int) and abs(v) > 1000)), data=st.data())
def test_any_start_is_taken_or_refused(value, data):
    names = ["n_inputs", "n_hidden", "n_outputs", "scheme", "random_state", "dtype", "n_networks"]
    name = data.draw(st.sampled_from(names))
    only_our_errors(
        lambda: tl.init_params(**{"n_inputs": 2, "n_hidden": 3, "n_outputs": 1, name: value})
    )
