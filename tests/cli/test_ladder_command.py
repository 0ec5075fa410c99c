"""`twolayer ladder`: the programs from the command line, the table, and what it says to bad input.

Expected losses come from `tl.train` on arrays that `ladder_programs` draws on its own.
"""

import re
import sys
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from ladder_programs import program, random_table

import twolayer as tl
from twolayer.cli.main import main
from twolayer.engines import ENGINE_NAMES
from twolayer.errors import DivergedError, EngineError
from twolayer.tutorial import ladder


@pytest.fixture
def call(capsys):
    """Run `twolayer ladder` with these arguments: exit code, output, and what went to stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(["ladder", *arguments])
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err

    return run


@pytest.fixture
def no_torch(monkeypatch):
    """As if PyTorch were not installed."""
    monkeypatch.setitem(sys.modules, "torch", None)


def losses_of(out):
    return {int(t): float(loss) for t, loss in re.findall(r"^(\d+) (\S+)$", out, re.MULTILINE)}


def rows_of(out):
    """The table's rows by engine, each split at spaces."""
    return {
        name: words[1:]
        for words in (line.split() for line in out.splitlines())
        if words and (name := words[0]) in ENGINE_NAMES
    }


@pytest.mark.parametrize(
    ("preset", "options", "name"),
    [
        ("P1", ("--steps", "60"), "P1 no bias"),
        ("P2", (), "P2 slow"),
        ("P3", ("--steps", "60"), "P3 bias"),
        ("P4", ("--steps", "60"), "P4 quadrants"),
        ("P4", ("--steps", "60", "--activation", "relu"), "P4 quadrants, rectified"),
        ("P5", ("--steps", "60", "--device", "cpu"), "P5 float32"),
    ],
)
def test_a_preset_is_the_program(call, preset, options, name):
    x, y, params, settings = program(name)
    if "--steps" in options:
        settings = {**settings, "steps": 60}
    expected = tl.train(x, y, params, engine="numpy", **settings)
    code, out, _ = call("--program", preset, "--engines", "numpy", "--every", "10", *options)
    assert code == 0
    shown = losses_of(out)
    assert list(shown) == [*range(0, settings["steps"], 10), settings["steps"] - 1]
    close = 1e-4 if preset == "P5" else 1e-9  # float32: what threads and shapes may change
    for t, loss in shown.items():
        assert loss == pytest.approx(expected.losses[t], rel=close)
    assert float(rows_of(out)["numpy"][1]) == pytest.approx(
        expected.final_loss, rel=max(close, 1e-6)
    )


@pytest.mark.parametrize("preset", ["P7", "P8", "P10"])
def test_the_timed_programs_print_no_losses_but_a_table(call, preset):
    code, out, _ = call("--program", preset, "--steps", "3", "--device", "cpu")
    assert code == 0
    assert losses_of(out) == {}
    assert ladder.PROGRAMS[preset].steps == 2000
    assert "float32" in out


def test_options_say_the_same_as_presets(call):
    words = "--n-rows 64 --n-inputs 1000 --n-hidden 100 --n-outputs 10 --bias --activation relu "
    words += "--learning-rate 1e-6 --dtype float64 --device cpu --seed 0 --problem random"
    _, spelled_out, _ = call(*words.split(), "--steps", "20", "--engines", "numpy", "--every", "1")
    _, preset, _ = call("--program", "P3", "--steps", "20", "--engines", "numpy", "--every", "1")
    assert losses_of(spelled_out) == losses_of(preset)
    _, other_seed, _ = call("--program", "P3", "--steps", "20", "--engines", "numpy", "--seed", "1")
    x, y, params = random_table(seed=1, bias=True)
    first = tl.train(x, y, params, engine="numpy", steps=1).losses[0]
    assert losses_of(other_seed)[0] == pytest.approx(first, rel=1e-12)


def test_the_quadrants_alone_are_program_4(call):
    _, by_problem, _ = call("--problem", "quadrants", "--steps", "20", "--engines", "numpy")
    _, by_program, _ = call("--program", "P4", "--steps", "20", "--engines", "numpy")
    assert losses_of(by_problem) == losses_of(by_program) != {}


def test_sizes_and_training_options_reach_every_engine(call):
    words = "--n-rows 20 --n-inputs 5 --n-hidden 4 --n-outputs 3 --activation tanh --loss log_loss --alpha 0.1 "
    words += "--momentum 0.9 --nesterov --learning-rate 0.05 --batch-size 7 --steps 30 --bias --seed 3 --every 1"
    code, out, _ = call(*words.split())
    assert code == 0
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((20, 5)), rng.standard_normal((20, 3))
    params = tl.init_params(5, 4, 3, random_state=rng)
    run = tl.train(
        x, y.argmax(1), params, activation="tanh", loss="log_loss", alpha=0.1, momentum=0.9, nesterov=True,
        learning_rate=0.05, batch_size=7, steps=30, random_state=3, engine="numpy",
    )  # fmt: skip
    assert list(losses_of(out).values()) == pytest.approx(run.losses)
    for words in rows_of(out).values():
        assert float(words[1]) == pytest.approx(run.final_loss, rel=1e-5)


def test_the_table_has_every_engine_and_they_agree(call):
    code, out, _ = call("--steps", "120", "--every", "0")
    assert code == 0
    assert losses_of(out) == {}
    rows = rows_of(out)
    assert list(rows) == list(ENGINE_NAMES)
    assert rows["numpy"][3:] == ["1.00", "-", "-"]
    for name in ENGINE_NAMES[1:]:
        device, _, seconds, faster, early, whole = rows[name]
        assert device == "cpu"
        assert float(early) < 1e-9
        assert float(whole) < 1e-6
        # the ratio of two figures that are printed with four digits after the point
        assert float(faster) == pytest.approx(float(rows["numpy"][2]) / float(seconds), rel=0.05)
    assert max(map(len, out.splitlines())) <= 80


def test_only_the_engines_asked_for_beside_the_numpy_program(call):
    _, out, _ = call("--steps", "5", "--engines", "torch-nn, torch,torch")
    assert re.findall(r"^(\S+) +cpu ", out, re.MULTILINE) == ["numpy", "torch-nn", "torch"]


def test_float32_says_why_runs_drift_apart(call):
    _, out, _ = call("--steps", "120", "--dtype", "float32", "--engines", "numpy,torch")
    assert "float32 keeps 7 digits" in out
    early = float(rows_of(out)["torch"][4])
    assert 1e-9 < early < 1e-4
    _, out, _ = call("--steps", "20", "--engines", "numpy")
    assert "float32 keeps" not in out


def test_prediction_on_the_quadrants(call):
    x, y, params, settings = program("P4 quadrants")
    run = tl.train(x, y, params, engine="numpy", **settings)
    points = [(111, -111), (1, 9), (8, 1), (1, 8)]
    scores = tl.forward(np.array(points), run.params, "identity")
    _, out, _ = call(
        "--problem", "quadrants", "--engines", "numpy", "--predict", "111,-111; 1, 9;8,1;1,8;"
    )
    answers = re.findall(
        r"^\((.*?)\) +y_pred \[(.*)\]  quadrant (\d) \(true: (\d)\)$", out, re.MULTILINE
    )
    assert len(answers) == 4
    for (point, shown, quadrant, true), expected, row in zip(answers, points, scores, strict=True):
        assert tuple(float(n) for n in point.split(",")) == expected
        assert [float(n) for n in shown.split()] == pytest.approx(row, abs=6e-4)
        assert int(quadrant) == row.argmax() + 1
        right, up = expected[0] > 0, expected[1] > 0
        assert int(true) == {(1, 1): 1, (0, 1): 2, (0, 0): 3, (1, 0): 4}[right, up]
    hits = sum(quadrant == true for *_, quadrant, true in answers)
    assert f"quadrants right: {hits} of the 4 points asked for" in out
    hits = (tl.forward(x, run.params, "identity").argmax(1) == y.argmax(1)).sum()
    assert f"quadrants right: {hits} of the 12 points of training" in out
    assert "Not done" in out
    assert "6.17647" in out  # the least squares floor of the original, 6.18


def test_quadrants_far_enough_are_done(call):
    _, out, _ = call("--program", "P4", "--steps", "6000", "--engines", "numpy")
    assert "Done: without an activation" in out


def test_prediction_elsewhere_has_outputs_or_classes(call):
    words = "--n-inputs 2 --n-hidden 3 --n-outputs 2 --steps 2 --engines numpy --predict"
    small = words.split()
    _, out, _ = call(*small, "1,2")
    assert re.search(r"^\(1, 2\)  y_pred \[.*\]$", out, re.MULTILINE)
    _, out, _ = call(*small, "1,2", "--loss", "log_loss", "--learning-rate", "1e-3")
    assert re.search(r"^\(1, 2\)  y_pred \[.*\]  class [01]$", out, re.MULTILINE)


def weights_in(out):
    return [
        np.array(re.findall(r"-?\d+\.\d*", block), dtype=float)
        for block in re.findall(r"^w1 = (\[\[.*?\]\])", out, re.MULTILINE | re.DOTALL)
    ]


def test_weights_are_shown_at_the_end_or_on_the_way(call):
    words = "--n-rows 6 --n-inputs 2 --n-hidden 3 --n-outputs 1 --learning-rate 1e-2 --steps 4 --engines numpy"
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 2)), rng.standard_normal((6, 1))
    params = tl.init_params(2, 3, 1, bias=False, random_state=rng)
    after = [
        tl.train(x, y, params, engine="numpy", learning_rate=1e-2, steps=steps).params.w1.ravel()
        for steps in range(5)
    ]
    _, out, _ = call(*words.split(), "--show-weights")
    np.testing.assert_allclose(weights_in(out), after[4:], atol=6e-5)
    _, out, _ = call(*words.split(), "--show-weights", "--every", "1")
    np.testing.assert_allclose(weights_in(out), after, atol=6e-5)
    _, out, _ = call(*words.split())
    assert weights_in(out) == []


class TestTheComparison:
    """That the table would show an engine that is wrong or slow: a planted one does."""

    @pytest.fixture
    def planted(self, monkeypatch):
        """Engine 'torch' nine times slower, off by 0.1 % at step 50 and 1 % at step 150; every call is written down."""
        calls = []
        seconds = {"numpy": iter([9.0, 0.3, 0.1, 0.2]), "torch": iter([9.0, 0.9])}

        def train(x, y, params, *, engine, device, steps, **rest):
            calls.append((engine, steps))
            run = tl.train(x, y, params, engine="numpy", steps=steps, **rest)
            losses = run.losses.copy()
            if engine == "torch" and steps > 150:
                losses[50] *= 1.001
                losses[150] *= 1.01
            return replace(run, losses=losses, engine=engine, seconds=next(seconds[engine]))

        monkeypatch.setattr(ladder, "train", train)
        return calls

    def test_a_planted_difference_and_slowness_are_seen(self, planted):
        chosen = replace(ladder.PROGRAMS["P4"], steps=200)
        first, other = ladder.run_ladder(chosen, ladder.ladder_arrays(chosen), ["torch"])
        # two untimed steps, then the fastest of at most three short calls; one long call is enough
        assert planted == [("numpy", 2), *[("numpy", 200)] * 3, ("torch", 2), ("torch", 200)]
        assert first.run.seconds == 0.1
        assert other.times_faster == pytest.approx(0.1 / 0.9)
        assert other.early == pytest.approx(0.001)
        assert other.difference == pytest.approx(0.01)

    def test_largest_difference_is_relative(self):
        assert ladder.largest_difference(
            np.array([1, 2.2, 8]), np.array([1, 2, 8.0])
        ) == pytest.approx(0.1)
        assert ladder.largest_difference(np.array([1.0, 5]), np.array([1.0])) == 0
        assert ladder.largest_difference(np.array([1.0]), np.array([0.0])) == np.inf


class TestDevices:
    class Worker:
        def __init__(self, name, devices):
            self.name, self.devices = name, devices

        def check_device(self, device):
            if device not in self.devices:
                raise EngineError(f"{self.name} cannot be on {device}")
            return device

    def test_engines_of_the_cpu_stay_there_when_others_are_on_the_gpu(self):
        workers = [self.Worker("a", ["cpu"]), self.Worker("b", ["cpu", "cuda"])]
        assert ladder.engine_devices(workers, "cuda", {}) == {"a": "cpu", "b": "cuda"}

    def test_a_device_that_no_engine_has_is_an_error(self):
        workers = [self.Worker("a", ["cpu"]), self.Worker("b", ["cpu"])]
        with pytest.raises(EngineError, match=r"b cannot be on cuda \(install it\)"):
            ladder.engine_devices(workers, "cuda", {"c": "install it"})


def test_without_torch_the_table_says_how_to_install_it(call, no_torch):
    code, out, _ = call("--steps", "5")
    assert code == 0
    flat = " ".join(out.split())
    for name in ENGINE_NAMES:
        if name.startswith("torch"):
            assert f"{name} needs PyTorch" in flat
    assert flat.count("pip install 'twolayer[torch]'") == sum("torch" in n for n in ENGINE_NAMES)
    assert float(rows_of(out)["numpy"][1]) > 0
    assert max(map(len, out.splitlines())) <= 80


def test_an_engine_that_diverges_alone_keeps_its_place_in_the_table(monkeypatch):
    def train(*arguments, engine, device, **rest):
        if engine == "torch":
            raise DivergedError("training diverged", 3, 1.0, arguments[2], np.zeros(3))
        return tl.train(*arguments, engine=engine, device=device, **rest)

    monkeypatch.setattr(ladder, "train", train)
    chosen = replace(ladder.PROGRAMS["P4"], steps=3)
    rungs = list(ladder.run_ladder(chosen, ladder.ladder_arrays(chosen), ["torch", "torch-nn"]))
    assert [rung.reason for rung in rungs] == [None, "training diverged", None]


def test_a_run_that_diverges_ends_with_code_1(call):
    code, out, err = call("--learning-rate", "1", "--engines", "numpy")
    assert code == 1
    assert out == ""
    assert "diverged" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--engines nump", "no engine 'nump': choose one of numpy, "),
        ("--engines auto", "takes the names of engines: numpy, "),
        ("--engines ,", "takes the names of engines: numpy, "),
        ("--learning-rate 0", "learning_rate must be a finite number above 0; got 0"),
        ("--learning-rate -1e-6", "learning_rate must be a finite number above 0; got -1e-06"),
        ("--learning-rate nan", "learning_rate must be a finite number above 0; got nan"),
        ("--device gpu", "gpu"),
        ("--dtype float16", "no dtype 'float16': choose one of float64, float32"),
        ("--activation rellu", "did you mean 'relu'?"),
        ("--program P11", "no program 'P11': choose one of P1, P2"),
        ("--program P6", "twolayer explain --topic autograd"),
        ("--program P7b", "twolayer explain --topic autograd"),
        ("--program P9", "twolayer explain"),
        ("--problem circle", "no problem 'circle': choose one of random, quadrants"),
        ("--problem quadrants --n-rows 5", "12 rows of 2 inputs in 4 classes"),
        ("--steps 0", "steps must be a whole number, at least 1; got 0"),
        ("--n-inputs 0", "n_inputs must be a whole number, at least 1; got 0"),
        ("--n-hidden -1", "n_hidden must be a whole number, at least 1; got -1"),
        ("--every -1", "--every must be a whole number, at least 0; got -1"),
        ("--seed -1", "seed must be a whole number, at least 0; got -1"),
        ("--problem quadrants --predict 1,x", "points of finite numbers like '111,-111; 1,9'; got '1,x'"),
        ("--problem quadrants --predict 1,2;;3,4", "points of finite numbers"),
        ("--problem quadrants --predict 1,nan", "got '1,nan'"),
        ("--problem quadrants --predict 1,2;3", "'3' has 1 number, but the network has 2 inputs"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_code_2(call, words, sentence):
    code, out, err = call(*words.split())
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert sentence in err


@pytest.mark.parametrize("words", [("--engines", "torch"), ("--engines", "numpy,torch-nn")])
def test_an_engine_asked_for_and_not_installed_is_one_line_and_code_2(call, no_torch, words):
    code, out, err = call(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "not installed: pip install 'twolayer[torch]'" in err


def test_cuda_asked_for_and_absent_is_one_line_and_code_2(call, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    code, out, err = call("--device", "cuda")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "needs a CUDA device, and PyTorch sees none" in err


def test_cuda_without_torch_says_what_to_install(call, no_torch):
    code, out, err = call("--device", "cuda")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "pip install 'twolayer[torch]'" in err


@pytest.mark.parametrize("interrupted", ["numpy", "torch"])
def test_a_run_that_ctrl_c_ended_has_no_row(capsys, monkeypatch, interrupted):
    """Its loss and seconds would look like those of a whole one."""
    from twolayer.cli.commands import ladder as command
    from twolayer.tutorial.ladder import run_ladder

    def until(*given):
        for row in run_ladder(*given):
            if row.engine == interrupted:
                losses = row.run.losses[:3]
                row = replace(row, run=replace(row.run, losses=losses, stopped="interrupted"))
            yield row

    monkeypatch.setattr(command, "run_ladder", until)
    with pytest.raises(SystemExit) as left:
        main(["ladder", "--program", "P2", "--steps", "20", "--engines", "numpy,torch"])
    assert left.value.code == 130
    out, err = capsys.readouterr()
    assert f"stopped in engine '{interrupted}' after 3 of 20 steps: it has no row\n" in err
    assert not any(line.startswith(interrupted) for line in out.splitlines())


def columns_of(line):
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "words",
    [
        "--program P4 --steps 20 --show-weights",
        "--steps 120 --dtype float32 --momentum 0.9 --nesterov --alpha 0.1 --batch-size 7",
        "--program P4 --steps 6000 --predict 1,2;0,3",
    ],
)
def test_nothing_is_wider_than_80_columns(call, words, lang):
    code, out, _ = call(*words.split(), "--engines", "numpy,torch-autograd", "--lang", lang)
    assert code == 0
    assert max(map(columns_of, out.splitlines())) <= 80
    assert any("\u4e00" <= letter <= "\u9fff" for letter in out) == (lang == "zh")
    if "0,3" in words:
        assert ("(on an axis)" if lang == "en" else "（在坐标轴上）") in out


def test_the_figures_are_the_same_in_both_languages(call):
    words = ["--program", "P4", "--engines", "numpy", "--steps", "30"]
    both = [call(*words, "--lang", lang)[1] for lang in ("en", "zh")]
    assert losses_of(both[0]) == losses_of(both[1]) != {}
    assert rows_of(both[0])["numpy"][:2] == rows_of(both[1])["numpy"][:2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--program P6", "不是引擎之间的比较"),
        ("--engines auto", "--engines 要的是引擎的名字"),
        ("--problem quadrants --predict 1,x", "--predict 要的是由有限的数组成的点"),
        ("--problem quadrants --predict 1", "'1' 有 1 个数，而网络有 2 个输入"),
        ("--engines nump", "没有 'nump'，可选的有 numpy"),
        ("--activation rellu", "是不是想写 'relu'"),
        ("--program P11", "没有 'P11'"),
        ("--problem circle", "没有 'circle'"),
        ("--dtype float16", "没有 'float16'"),
        ("--steps 0", "--steps 必须是不小于 1 的整数"),
        ("--every -1", "--every 必须是不小于 0 的整数"),
        ("--learning-rate nan", "--learning-rate 必须是大于 0 的有限数"),
        ("--problem quadrants --n-rows 5", "--n-rows 由数据决定"),
    ],
)
def test_bad_input_is_told_in_chinese(call, words, said):
    code, out, err = call(*words.split(), "--lang", "zh")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_run_that_diverges_is_told_in_chinese(call):
    code, out, err = call("--learning-rate", "1", "--engines", "numpy", "--lang", "zh")
    assert (code, out) == (1, "")
    assert "训练在第" in err


def test_wrong_quadrants_are_counted_as_wrong(call):
    """The rectified network after 500 steps: some of its answers are wrong."""
    x, y, params, settings = program("P4 quadrants, rectified")
    run = tl.train(x, y, params, engine="numpy", **settings)
    points = np.array([(111, -111), (1, 9), (8, 1), (1, 8)])
    hits = (tl.forward(points, run.params, "relu").argmax(1) + 1 == [4, 1, 1, 1]).sum()
    known = (tl.forward(x, run.params, "relu").argmax(1) == y.argmax(1)).sum()
    assert hits < 4
    assert known < 12
    _, out, _ = call("--program", "P4", "--activation", "relu", "--engines", "numpy")
    assert f"quadrants right: {hits} of the 4 points asked for" in out
    assert f"quadrants right: {known} of the 12 points of training" in out
