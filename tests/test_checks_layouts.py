"""The door: every layout that holds the same numbers is the same table, and nothing but our own errors comes out."""

import decimal
import fractions

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from refusals import WHOLE, P, X, Y, assert_one_clear_sentence, train

import twolayer as tl

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
