"""Folders of Parquet and CSV files as one table in blocks, beside pandas, which reads the same files on its own."""

import gzip

import dask
import numpy as np
import pandas as pd
import pytest
from dask_clusters import in_process_client

from twolayer.distributed import blocks, csv_files
from twolayer.distributed.folder_dataset import open_blocks, read_folder_dataset
from twolayer.errors import FileError, InputError


@pytest.fixture(scope="module")
def client():
    with in_process_client() as client:
        yield client


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of some hundred rows, and CSV files that are cut in the middle of lines."""
    monkeypatch.setattr(blocks, "FEWEST_BYTES", 4000)
    monkeypatch.setattr(csv_files, "PIECE_BYTES", 1001)


def frame_of(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n_rows, 3)), columns=["a", "b", "c"])
    frame["kind"] = np.where(frame.a + frame.b > 0, "Ja", "Nein")
    frame["n"] = rng.integers(0, 1000, n_rows)
    return frame


def write_parts(folder, frame, ending, n_parts=12):
    folder.mkdir(exist_ok=True)
    for k, rows in enumerate(np.array_split(np.arange(len(frame)), n_parts)):
        part, path = frame.iloc[rows], folder / f"part-{k}{ending}"
        if ending == ".parquet":
            part.to_parquet(path, index=False)
        else:
            part.to_csv(path, index=False)
    return folder


def all_rows(dataset):
    """Inputs and target of every row, as read for training and sampled for the test, in the order of the first column."""
    x, y, _ = dask.compute(*dataset.training_arrays())
    x, y = np.concatenate([x, dataset.test.x]), np.concatenate([y, dataset.test.y])
    order = np.argsort(x[:, 0])
    return x[order], y[order]


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".csv.gz"])
@pytest.mark.parametrize("how", ["{}", "{}/", "{}/*.p*", "{}/part-*"])
def test_every_row_is_there_once_for_training_or_the_test(client, tmp_path, ending, how):
    if how.endswith("*.p*") and ending != ".parquet":
        how = "{}/*.csv*"
    frame = frame_of(1000)
    folder = write_parts(tmp_path / "t", frame, ending)
    table = open_blocks(how.format(folder))
    dataset = read_folder_dataset(client, table, ["kind"], drop=["n"])
    assert len(table.blocks) > 3
    assert (dataset.task, dataset.classes) == ("classification", ["Ja", "Nein"])
    x, y = all_rows(dataset)
    frame = frame.sort_values("a")
    np.testing.assert_array_equal(x, frame[["a", "b", "c"]])  # to the last bit
    np.testing.assert_array_equal(y, frame["kind"])
    assert sum(dataset.n_test) == pytest.approx(250, abs=len(table.blocks))
    assert [len(part) for part in dataset.training_arrays()[:2]] == [sum(dataset.n_train)] * 2


def test_the_split_is_the_same_again_and_another_with_another_seed(client, tmp_path):
    folder = write_parts(tmp_path / "t", frame_of(1000), ".parquet")
    tests = [
        read_folder_dataset(client, open_blocks(str(folder)), ["kind"], seed=seed).test.x
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(tests[0], tests[1])
    assert not np.array_equal(tests[0], tests[2])


def test_blocks_do_not_depend_on_the_number_of_workers_and_follow_natural_order(tmp_path):
    folder = write_parts(tmp_path / "t", frame_of(1000), ".parquet")
    paths = [piece.path for block in open_blocks(str(folder)).blocks for piece in block]
    assert [path.rpartition("part-")[2] for path in paths] == [f"{k}.parquet" for k in range(12)]


def test_the_sample_of_a_large_table_is_even(client, tmp_path, monkeypatch):
    from twolayer.distributed import folder_dataset

    monkeypatch.setattr(folder_dataset, "SAMPLE_ROWS", 200)
    frame = frame_of(4000)
    frame["place"] = np.arange(4000.0)
    folder = write_parts(tmp_path / "t", frame, ".parquet")
    dataset = read_folder_dataset(client, open_blocks(str(folder)), ["a"], drop=["kind"])
    for part in (dataset.train, dataset.test):
        assert 200 <= len(part.x) <= 200 + len(dataset.n_train)
        counts, _ = np.histogram(part.x[:, -1], bins=4, range=(0, 4000))
        assert counts.min() > 35


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_the_task_follows_from_all_blocks(client, tmp_path, ending):
    frame = frame_of(600)
    frame["few"] = np.arange(600) // 200  # one value in each of most blocks
    frame["many"] = np.arange(600)
    folder = write_parts(tmp_path / "t", frame, ending)

    def found(target, **more):
        dataset = read_folder_dataset(
            client, open_blocks(str(folder)), target, drop=["kind"], **more
        )
        return dataset.task, dataset.classes, dataset.target_dtype.kind

    assert found(["few"]) == ("classification", [0, 1, 2], "i")
    assert found(["few"], task="regression") == ("regression", None, "f")
    assert found(["many"]) == ("regression", None, "f")
    assert found(["a"]) == ("regression", None, "f")
    assert found(["a", "b"]) == ("regression", None, "f")


def test_float32_files_stay_float32_and_weights_come_along(client, tmp_path):
    frame = frame_of(500)[["a", "b", "c"]].astype("float32")
    frame["w"] = np.arange(500, dtype="float32")
    folder = write_parts(tmp_path / "t", frame, ".parquet")
    dataset = read_folder_dataset(client, open_blocks(str(folder)), ["c"], weights="w")
    x, y, s = dask.compute(*dataset.training_arrays())
    assert (x.dtype, x.shape[1], y.dtype, s.dtype) == (np.float32, 2, np.float64, np.float64)
    row = frame.set_index("w").loc[s[7]]
    assert (row.a, row.b, row.c) == (x[7, 0], x[7, 1], y[7])


def refused(client, where, target=("kind",), error=InputError, **more):
    """The one sentence with which a table is refused."""
    with pytest.raises(error) as caught:
        read_folder_dataset(
            client, open_blocks(str(where)), list(target), **{"drop": ["n"], **more}
        )
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_missing_value_is_named_with_its_file_and_row(client, tmp_path, ending, value):
    frame = frame_of(600)
    frame.loc[470, "b"] = frame.loc[472, "c"] = value
    folder = write_parts(tmp_path / "t", frame, ending)
    content = "no value" if np.isnan(value) else "inf, which is too large to compute with,"
    place = "row 21" if ending == ".parquet" else "line 22"  # 50 rows a file, and a header
    said = refused(client, folder)
    assert f"part-9{ending}: {place} has {content} in column 'b' (" in said
    assert "in 'b', 'c')" in said


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_a_missing_target_is_named(client, tmp_path, ending):
    frame = frame_of(600)
    frame.loc[470, "kind"] = None
    folder = write_parts(tmp_path / "t", frame, ending)
    assert "has no value in column 'kind', which is the target" in refused(client, folder)


def test_text_among_the_inputs_is_named_before_anything_is_read(client, tmp_path):
    folder = write_parts(tmp_path / "t", frame_of(300), ".parquet")
    said = refused(None, folder, ["a"])
    assert "column 'kind' holds text, and on a cluster all inputs must be numbers" in said
    folder = write_parts(tmp_path / "c", frame_of(300), ".csv")
    said = refused(client, folder, ["a"])
    assert "part-0.csv: column 'kind' holds text, for example" in said
    assert "on a cluster all inputs must be numbers" in said


def test_other_columns_in_one_file_are_named(client, tmp_path):
    frame = frame_of(300)
    folder = write_parts(tmp_path / "t", frame, ".parquet")
    frame.drop(columns="b").to_parquet(folder / "part-5.parquet")
    said = refused(None, folder, error=FileError)
    assert "part-5.parquet lacks the column 'b', which" in said
    frame.assign(z=1.0).to_parquet(folder / "part-5.parquet")
    assert "has the column 'z', which" in refused(None, folder, error=FileError)
    frame.assign(b="x").to_parquet(folder / "part-5.parquet")
    said = refused(None, folder, error=FileError)
    assert "column 'b' holds text in" in said
    assert "and numbers in" in said


def test_columns_in_another_order_are_found_by_name(client, tmp_path):
    frame = frame_of(300)
    for ending in (".parquet", ".csv"):
        folder = write_parts(tmp_path / ending[1:], frame, ending)
        rows = frame.iloc[125:150][["n", "kind", "c", "b", "a"]]
        getattr(rows, f"to_{ending[1:]}")(folder / f"part-5{ending}", index=False)
        x, _ = all_rows(read_folder_dataset(client, open_blocks(str(folder)), ["kind"], drop=["n"]))
        np.testing.assert_array_equal(x, frame.sort_values("a")[["a", "b", "c"]])


def test_files_without_rows_are_left_out_and_said(client, tmp_path):
    for ending in (".parquet", ".csv"):
        frame = frame_of(300)
        folder = write_parts(tmp_path / ending[1:], frame, ending)
        getattr(frame[:0], f"to_{ending[1:]}")(folder / f"none{ending}", index=False)
        table = open_blocks(str(folder))
        assert [note.split(":")[0] for note in table.notes] == ["1 file has no rows"]
        x, _ = all_rows(read_folder_dataset(client, table, ["kind"], drop=["n"]))
        assert len(x) == 300


@pytest.mark.parametrize(
    ("files", "where", "message"),
    [
        ({}, "none/*.parquet", "no file matches .*none/.*there is no folder"),
        ({"a.csv": "a\n1\n"}, "*.parquet", r"no file matches .*\*\.parquet$"),
        ({"sub/a.csv": "a\n1\n"}, "", "holds no Parquet or CSV file: it holds 'sub'"),
        ({"a.csv": "a\n1\n", "b.parquet": "x"}, "", "files of several kinds, .*a.csv, .*b.parquet"),
        ({"a.xlsx": "x"}, "", "a.xlsx is neither a Parquet nor a CSV file"),
        ({"a.csv": ""}, "", "a.csv is empty, 0 bytes"),
        ({"a.csv": "a,b\n"}, "", "has a header but no rows"),
        ({"a.csv": "a,a\n1,2\n"}, "", "both named 'a'"),
        ({"a.parquet": "no frame"}, "", "a.parquet cannot be read as a Parquet file"),
        ({"a.csv.gz": "a,b\n1,2\n"}, "", "a.csv.gz cannot be read"),
        ({"_SUCCESS": "", ".x.crc": "y"}, "", "holds no Parquet or CSV file"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path, files, where, message):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(FileError, match=message) as caught:
        open_blocks(str(tmp_path / where))
    assert "\n" not in str(caught.value)


def test_a_store_that_is_not_known_is_one_sentence():
    with pytest.raises(FileError, match=r"nostore://bucket/x\.parquet cannot be reached"):
        open_blocks("nostore:/bucket/x.parquet")


def test_rows_of_another_length_are_named(client, tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4,5\n")
    with pytest.raises(FileError, match=r"a.csv: a row has 3 fields, but the header names 2 col"):
        read_folder_dataset(client, open_blocks(str(tmp_path)), ["b"])


@pytest.mark.parametrize(
    ("target", "more", "message"),
    [
        (["none"], {}, "has no column 'none'"),
        (["kind"], {"drop": ["none"]}, "has no column 'none'"),
        (["kind"], {"task": "regression"}, "the target, holds text, for example 'Ja'"),
        (["kind", "n"], {}, "the target, holds text"),
        (
            ["a"],
            {
                "task": "classification",
            },
            "holds numbers with a fraction",
        ),
        (
            ["one"],
            {
                "task": "classification",
            },
            "is 1.0 in every row",
        ),
        (["name"], {}, "has more than 1,000 different values"),
        (["n"], {"drop": ["a", "b", "c", "kind", "one", "name"]}, "no column but the target 'n'"),
        (["kind"], {"weights": "c"}, "negative weight in column 'c'"),
        (["kind"], {"test_size": 0.0001}, "rows are left for the test, too few"),
    ],
)
def test_a_target_that_does_not_fit_is_one_sentence(client, tmp_path, target, more, message):
    frame = frame_of(1200)
    frame["one"], frame["name"] = 1, [f"r{k}" for k in range(1200)]
    folder = write_parts(tmp_path / "t", frame, ".parquet", n_parts=2)
    texts = [name for name in ("kind", "name") if name not in target]
    said = refused(client, folder, target, **{"drop": texts, **more})
    assert message in said


def test_a_packed_file_is_read_whole(client, tmp_path):
    frame = frame_of(200)
    text = frame.to_csv(index=False)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    x, _ = all_rows(read_folder_dataset(client, open_blocks(str(tmp_path)), ["kind"], drop=["n"]))
    np.testing.assert_array_equal(x, frame.sort_values("a")[["a", "b", "c"]])
