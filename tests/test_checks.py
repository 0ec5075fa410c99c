"""The door: what users give is taken in any layout, or refused in one clear sentence, never with NumPy's own words."""

import datetime

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from refusals import P, X, Y, refused, train

import twolayer as tl
from twolayer import checks
from twolayer.engines import ENGINE_NAMES, contract

# Shapes


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (X[:, 0], ["x must have two axes", "(4,)", "x.reshape(-1, 1)"]),
        (X[None], ["x must have two axes", "(1, 4, 2)"]),
        (X[:, :1], ["x has 1 column", "w1 has 2 rows"]),
        (X[:3], ["x has 3 rows and y has 4"]),
        (X[:0], ["x is empty", "(0, 2)"]),
        (X[:, :0], ["x is empty", "(4, 0)"]),
        ([], ["x must have two axes"]),
        ([[1, 2], [3]], ["x", "not all of the same length"]),
        (scipy.sparse.csr_array((4, 0)), ["x is empty"]),
        (scipy.sparse.coo_array(X[:, 0]), ["x must have two axes"]),
        (scipy.sparse.csr_array(X[:, :1]), ["x has 1 column"]),
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
    monkeypatch.setattr(checks, "ENTRIES_PER_BLOCK", at_once)
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
    text=st.text(max_size=40).filter(lambda t: not is_number(t) and "__" not in t),
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
        (np.array([(1 + 2j,)], dtype=[("a", "c8")]), ["x holds complex numbers"]),  # a named field
        (np.array([("2020-01-01",)], dtype=[("a", "M8[D]")]), ["x holds dates or times"]),
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
            *ENGINE_NAMES,
            "auto",
            error=tl.EngineError,
        )
        refused(
            lambda engine=engine: tl.loss_and_gradients(X, Y, P, engine=engine),
            *ENGINE_NAMES,
            error=tl.EngineError,
        )


TORCH = [name for name in ENGINE_NAMES if name.startswith("torch")]


@pytest.mark.parametrize("engine", TORCH)
def test_a_missing_torch_is_answered_with_the_line_that_installs_it(engine, monkeypatch):
    monkeypatch.setattr(contract, "find_spec", lambda name: None)
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
    assert tuple(tl.engines()) == ENGINE_NAMES
    assert set(tl.engines().values()) == {None}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
@pytest.mark.parametrize("engine", [*TORCH, "auto"])
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:1"])
def test_cuda_asked_for_and_absent(engine, device):
    refused(
        lambda: train(engine=engine, device=device),
        f"'{device}'",
        "needs a CUDA device, and PyTorch sees none here",
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


def test_a_single_choice_is_not_called_one_of_many():
    with pytest.raises(
        tl.InputError, match=r"^there is no method 'predict_proba' here, only 'predict'$"
    ):
        checks.one_of("predict_proba", {"predict": None}, "method")
