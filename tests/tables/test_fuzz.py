"""Whatever the bytes are, a reader gives a table or one line of error, and so does the loader of models.

HYPOTHESIS_EXAMPLES sets how many files of each kind are tried.
"""

import io
import os
import tempfile
from pathlib import Path

import numpy as np
import polars
import pytest
import scipy.io
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import dump_svmlight_file

from twolayer import TwoLayerError, tables
from twolayer.cli.commands.fit import fit
from twolayer.saving import saved_model

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "60"))
often = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

WORDS = st.sampled_from(
    ["1", "2.5", "-3e4", "nan", "NA", "", " ", "inf", "x", "yes", "no", "true", "2021-03-04", "1,5", '"', '""', '"a"',
     '"a\nb"', "'", "é", "\x00", "\ufeff", "1_000", "9" * 30, "9" * 400, "#", "=1+1", "0x10", "1 2", "\t", "\\"]
)  # fmt: skip
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", ""])


@st.composite
def separated(draw):
    """Text that looks like a table here and there."""
    mark = draw(st.sampled_from([",", ";", "\t", "|", " "]))
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(WORDS, min_size=1, max_size=width + 1), max_size=8))
    names = draw(
        st.lists(st.sampled_from(["a", "b", "c", "id", "y", "", "1"]), min_size=1, max_size=width)
    )
    end = draw(ENDS)
    text = end.join(mark.join(row) for row in [names, *rows])
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))


def one_line(error):
    assert "\n" not in str(error).strip()
    assert 0 < len(str(error)) < 2000


def use(table):
    """What a fit does with a table before it trains."""
    try:
        found = tables.column_kinds(table)
        encoder = tables.Encoder.fit(table, found)
        x = encoder.encode(table)
        assert x.shape == (table.n_rows, len(encoder.features()))
        again = tables.Encoder.from_json(encoder.as_json(), x.shape[1], "m")
        assert again.features() == encoder.features()
        tables.read_target(table, table.names[-1])
    except TwoLayerError as error:
        one_line(error)


def read(data, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t{suffix}"
        path.write_bytes(data)
        for reader in (lambda: [tables.read_table(path)], lambda: list(tables.stream_table(path))):
            try:
                found = reader()
            except TwoLayerError as error:
                one_line(error)
                continue
            for table in found:
                assert table.numbers.shape == (table.n_rows, len(table.names))
                assert all(len(words) == table.n_rows for words in table.texts.values())
                use(table)


@often
@given(data=separated())
def test_separated_text(data):
    read(data, ".csv")


@often
@given(
    data=st.binary(max_size=300),
    suffix=st.sampled_from([".csv", ".gz", ".npy", ".npz", ".mtx", ".svm"]),
)
def test_any_bytes(data, suffix):
    read(data, suffix)


def written(suffix):
    """A good file of that kind."""
    frame = polars.DataFrame({"a": [1.5, 2.5, 3.5], "b": ["x", "y", "x"], "c": [True, False, None]})
    buffer = io.BytesIO()
    if suffix == ".parquet":
        frame.write_parquet(buffer)
    elif suffix == ".arrow":
        frame.write_ipc(buffer)
    elif suffix == ".npy":
        np.save(buffer, np.arange(12.0).reshape(4, 3))
    elif suffix == ".npz":
        np.savez_compressed(buffer, x=np.arange(12.0).reshape(4, 3), y=np.arange(4))
    elif suffix == ".mtx":
        scipy.io.mmwrite(buffer, scipy.sparse.eye_array(4))
    elif suffix == ".svm":
        dump_svmlight_file(np.eye(4), np.arange(4), buffer)
    elif suffix == ".csv.gz":
        import gzip

        return gzip.compress(frame.write_csv().encode(), mtime=0)
    return buffer.getvalue()


GOOD = {
    suffix: written(suffix)
    for suffix in (".parquet", ".arrow", ".npy", ".npz", ".mtx", ".svm", ".csv.gz")
}


@st.composite
def damaged(draw, data):
    """Bytes changed, cut out or put in."""
    broken = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(broken) - 1, 0)))
        kind = draw(st.sampled_from(["change", "cut", "insert", "end"]))
        if kind == "change" and broken:
            broken[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del broken[at : at + draw(st.integers(1, 16))]
        elif kind == "insert":
            broken[at:at] = draw(st.binary(max_size=8))
        else:
            del broken[at:]
    return bytes(broken)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", list(GOOD))
def test_damaged_files(suffix):
    read(GOOD[suffix], suffix)

    @often
    @given(data=damaged(GOOD[suffix]))
    def run(data):
        read(data, suffix)

    run()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    rows = "".join(
        f"{i % 5},{'uv'[i % 2]},{'yes' if i % 3 else ''},{'xy'[i % 4 // 2]}\n" for i in range(40)
    )
    (folder / "t.csv").write_text("a,b,c,y\n" + rows)
    done = fit(folder / "t.csv", "y", n_hidden=3, max_iter=3, alpha="1", out=folder, quiet=True)
    return done.model_path.read_bytes()


def test_a_damaged_model(model, tmp_path):
    path = tmp_path / "m.safetensors"
    table = tmp_path / "t.csv"
    table.write_text("a,b,c\n1,u,yes\n2,w,\n")

    @often
    @given(data=damaged(model))
    def run(data):
        path.write_bytes(data)
        try:
            opened = saved_model.open_model(path)
            found = tables.EncodingReport()
            opened.asked("predict", opened.inputs(tables.read_table(table), found))
        except TwoLayerError as error:
            one_line(error)

    run()
    path.write_bytes(model)
    assert saved_model.open_model(path).encoder.numbers == ["a"]
