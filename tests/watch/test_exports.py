"""What is taken from the page: scripts that Python runs print the page's losses; arrays are read back to the last bit."""

import csv
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from node_tests import run_node_test
from safetensors.numpy import load_file

from twolayer.watch.texts import page_texts

SINGLE = np.array([[0.1, 1e-40], [-3, 16777217]], dtype=np.float32)
ARRAYS = {
    "w1": np.array([[0.1, -2], [3e-7, 0.25], [5, 1 / 3], [-0.0, 7]]),
    "b2": np.array([1e-320, -0.0, 123456789.123]),
    "loss": np.array(24.5),
    "single": SINGLE,
    "odd": np.array([np.nan, np.inf, -np.inf]),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    (folder / "texts.json").write_text(json.dumps(page_texts()))
    run_node_test(Path(__file__).with_name("exports.test.mjs"), folder)
    return folder


@pytest.fixture(scope="module")
def programs(folder):
    return json.loads((folder / "programs.json").read_text())


def printed_losses(program, capsys):
    """The losses that a script prints, up to its error if it should stop with one."""
    code = compile(program["script"], "the script", "exec")
    if program["stopped"]:
        with pytest.raises(ValueError if program["engine"] == "numpy" else RuntimeError) as stopped:
            exec(code, {})
        if program["engine"] == "numpy":
            assert str(stopped.value) == program["stopped"]["message"]
    else:
        exec(code, {})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [int(t) for t, _ in lines] == list(range(len(lines)))
    return [float(loss) for _, loss in lines]


@pytest.mark.parametrize("engine", ["numpy", "torch", "autograd", "custom"])
def test_the_scripts_print_the_pages_losses(programs, engine, capsys, tmp_path, monkeypatch):
    if engine != "numpy" and find_spec("torch") is None:
        pytest.skip("torch is not installed")
    monkeypatch.chdir(tmp_path)
    written = [program for program in programs if program["engine"] == engine]
    assert len(written) >= 8
    for program in written:
        if program["table"]:
            Path("table.csv").write_text(program["table"])
        losses = printed_losses(program, capsys)
        near = 1e-4 if program["dtype"] == "float32" else 1e-10
        np.testing.assert_allclose(losses, program["losses"], rtol=near, err_msg=program["name"])


def test_a_script_runs_by_itself(programs, tmp_path):
    program = next(program for program in programs if program["name"] == "P4")
    (tmp_path / "script.py").write_text(program["script"], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1].split()[1]) == pytest.approx(program["losses"][-1])


def test_arrays_are_read_back_to_the_last_bit(folder):
    tensors = load_file(folder / "arrays.safetensors")
    listed = json.loads((folder / "arrays.json").read_text())["arrays"]
    assert set(tensors) == set(listed) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert tensors[name].dtype == array.dtype
        assert tensors[name].tobytes() == array.tobytes()
        numbers = np.loadtxt(folder / f"{name}.csv", delimiter=",", ndmin=2).astype(array.dtype)
        np.testing.assert_array_equal(numbers.reshape(array.shape), array)
        assert tuple(listed[name]["shape"]) == array.shape
        back = np.array(listed[name]["data"], dtype=listed[name]["dtype"])
        np.testing.assert_array_equal(back, array)
    assert load_file(folder / "view.safetensors")["part"].tolist() == [3, 4]


def test_a_table_has_the_names_of_its_columns(folder):
    with (folder / "named.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ['a "quoted", name', "two lines", "y"]
    np.testing.assert_array_equal(np.array(rows, float)[:, :2], ARRAYS["w1"])
