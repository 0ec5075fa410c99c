"""`twolayer check` on learners' scripts, right and wrong, in many styles; what should be said stands in their first lines.

The lines and causes were written down by whoever planted the mistake, before the check had seen the script.
"""

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from checked_scripts import SCRIPTS, examined, expected, mistakes, uses_torch
from slow_cases import slow

from twolayer.tutorial.check_script import messages
from twolayer.tutorial.check_script.child_process import check_script
from twolayer.tutorial.check_script.instrumentation import InstrumentedScript
from twolayer.tutorial.check_script.verdict import ScriptVerdict
from twolayer.tutorial.check_script.verdict_page import right_text, unchecked_text, wrong_text

ALL = sorted(SCRIPTS.glob("*.py"))
NUMPY = [path for path in ALL if not uses_torch(path)]
TORCH = [path for path in ALL if uses_torch(path)]
LADDER = sorted((Path(__file__).parents[2] / "examples" / "ladder").glob("*.py"))


def test_there_are_enough_scripts_of_both_kinds():
    right = [path for path in ALL if expected(path)["status"] == "right"]
    assert len(ALL) >= 40
    assert len(right) >= 20
    wrong = [path for path in ALL if expected(path)["status"] == "wrong"]
    assert len(wrong) >= 20


@pytest.mark.parametrize("part", [0, 1, *slow(2, 3)])
def test_numpy_scripts_are_judged_as_their_first_line_says(part):
    assert mistakes(NUMPY[part::4]) == {}


@pytest.mark.parametrize("part", [0, *slow(1)])
def test_torch_scripts_are_judged_as_their_first_line_says(part):
    assert mistakes(TORCH[part::2]) == {}


@pytest.mark.slow
def test_the_programs_of_the_ladder_are_right_but_for_the_traps():
    verdicts = examined(LADDER)
    assert {name for name, one in verdicts.items() if one["status"] == "wrong"} == {"07b_traps.py"}
    assert {name for name, one in verdicts.items() if one["status"] == "unchecked"} == {
        "06_autograd_one_line.py",
        "09b_numpy_and_torch.py",
    }  # no training loop


def test_what_an_entry_should_be_is_the_gradient_computed_apart():
    """The same numbers in plain NumPy: the gradient with its mask."""
    path = SCRIPTS / "wrong_mask_inverted_product.py"
    (verdict,) = examined([path]).values()
    names: dict = {}
    exec(path.read_text().partition("for epoch")[0], names)
    h = names["x"] @ names["w1"] + names["b1"]
    grad_y = 2 * (np.maximum(h, 0) @ names["w2"] + names["b2"] - names["y"])
    grad_h = (grad_y @ names["w2"].T) * (h > 0)
    assert verdict["entries"]
    for entry, has, should in verdict["entries"]:
        row, column = map(int, re.fullmatch(r"grad_h\[(\d+), (\d+)\]", entry).groups())
        assert should == pytest.approx(grad_h[row, column], rel=1e-5, abs=1e-6)
        assert has == pytest.approx((grad_y @ names["w2"].T - grad_h)[row, column], abs=1e-9)


def test_every_message_takes_the_same_values_in_both_languages():
    for table in (
        messages.RIGHT_MESSAGES,
        messages.WRONG_MESSAGES,
        messages.UNCHECKED_MESSAGES,
        messages.COURSE_MESSAGES,
        messages.REPEATED_LOSS_MESSAGES,
    ):
        for cause, both in table.items():
            fields = [{f for _, f, _, _ in Formatter().parse(text) if f} for text in both]
            assert fields[0] == fields[1], cause


BAD = {
    "import numpy as np\nx = np.ones((3, 2))\nprint(x[7])\n": "stops at line 3 with IndexError: index 7",
    "import sys\nn = int(sys.stdin.readline())\n": "stops at line 2 with ValueError",
    'n = int(input("hidden units? "))\n': r"line 1 waits for the keyboard with input\(\)",
    'for i in range(100):\n    print("x" * 10_000_000)\n': "line 2 prints more than 20 MB",
    "def f(:\n    pass\n": "not a Python program, see line 1",
    "": "there is no training loop",
    "total = 0\nfor i in range(9):\n    total += i\n": "there is no training loop",
    "import numpy as np\nx = np.ones(3)\nfor i in range(9):\n    x = x * 0.9\n": "line 3 changes arrays",
    'import os\nos.remove("keep.txt")\n': "line 2 removes or moves files",
    "import numpy as np\na = np.ones((300000, 300000))\n": "more memory than the 6 GB",
    "def f():\n    return f()\nf()\n": "stops at line 2 with RecursionError",
}


def test_what_cannot_be_checked_is_said_in_a_sentence(tmp_path):
    paths = []
    for number, source in enumerate(BAD):
        paths.append(tmp_path / f"bad{number}.py")
        paths[-1].write_text(source)
    (tmp_path / "keep.txt").write_text("kept")
    for verdict, sentence in zip(examined(paths).values(), BAD.values(), strict=True):
        assert verdict["status"] == "unchecked"
        text = unchecked_text("en", "s.py", ScriptVerdict(**verdict))
        assert re.search(sentence, text), text
        assert "\n" not in text
    assert (tmp_path / "keep.txt").read_text() == "kept"


def test_what_is_said_where_several_losses_come_before_a_step():
    said = {
        "right_accumulated_batches.py": "runs 4 times before the weights change; the steps follow the sum of these",
        "wrong_accumulated_not_cleared_numpy.py": "Begin every iteration with grad_w1 = np.zeros_like(w1)",
        "unchecked_accumulated_mask.py": "line 11 computes the loss 4 times before the weights change",
        "unchecked_lbfgs.py": "LBFGS computes the loss several times in a step",
    }  # fmt: skip
    verdicts = examined([SCRIPTS / name for name in said])
    for (name, sentence), verdict in zip(said.items(), verdicts.values(), strict=True):
        text = {"right": right_text, "wrong": wrong_text}.get(verdict["status"])
        one = ScriptVerdict(**verdict)
        assert sentence in (text("en", one) if text else unchecked_text("en", "s.py", one)), name


def test_a_script_that_follows_one_of_several_losses_is_told_which(tmp_path):
    source = (SCRIPTS / "right_accumulated_batches_numpy.py").read_text()
    (tmp_path / "last.py").write_text(source.replace("+= h_relu", "= h_relu").replace("+= xb", "= xb"))  # fmt: skip
    (verdict,) = examined([tmp_path / "last.py"]).values()
    assert "the steps follow number 4 of these losses alone" in right_text("en", ScriptVerdict(**verdict))  # fmt: skip


def test_a_script_that_never_ends_or_ends_its_process_is_said(tmp_path):
    (tmp_path / "long.py").write_text("sum(range(10**13))\n")
    assert check_script(tmp_path / "long.py", seconds=6).cause == "slow"
    (tmp_path / "exit.py").write_text("import os\nos._exit(3)\n")
    verdict = check_script(tmp_path / "exit.py")
    assert (verdict.cause, verdict.values) == ("ended", {"code": 3})


def test_files_that_a_script_writes_are_not_kept(tmp_path):
    source = (SCRIPTS / "right_plots_and_files.py").read_text()
    (tmp_path / "train.py").write_text(source)
    verdict = check_script(tmp_path / "train.py")
    assert verdict.status == "right"
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]


def test_the_instrumented_script_does_what_the_script_does():
    source = textwrap.dedent("""
        from __future__ import annotations
        import numpy as np
        class A:
            "A docstring."
            size: int = 2
            def __init__(self, *given, **named):
                super().__init__()
                self.x = [np.arange(6.0).reshape(2, 3)[:, 1:], *given]
            def total(self):
                return sum(one.sum() for one in self.x)
        def gen(n):
            for i in range(n):
                if i == 2:
                    continue
                yield (y := i * 2)
        a = A(np.ones(2), k=1)
        a.x[0][0, ::-1] -= 1
        first, (second, *rest) = 1, list(gen(5))
        text = f"{a.total():.2f} {first} {second} {rest}"
        match rest:
            case [2, 6, z]:
                text += str(z)
        k = 0
        while True:
            k += 1
            if k > 3:
                break
        else:
            k = -1
        value = {n: (lambda v=n: v if v else None)() for n in range(3)}
        chained = 0 < k <= 4 != 7
    """)

    class Silent:
        """A recorder that lets everything pass."""

        def step(self, loop):
            pass

        def statement(self, number):
            pass

        def value(self, number, value):
            return value

        def item(self, number, owner, index):
            return owner[index]

        def call(self, number, function, *given, **named):
            return function(*given, **named)

    plain: dict = {}
    exec(compile(source, "plain", "exec"), plain)
    script = InstrumentedScript(source, "script", double=False)
    for code in (script.full, script.light):
        names: dict = {"__twolayer_recorder__": Silent()}
        exec(code, names)
        for name in ("text", "k", "value", "chained", "rest"):
            assert names[name] == plain[name]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="kills processes as Linux does")
@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGKILL", "SIGTERM"])
def test_no_process_outlives_the_command(tmp_path, signal_name):
    import signal

    marker = tmp_path / "started"
    script = tmp_path / "endless.py"
    script.write_text(
        f"import ctypes, os\nos.mkdir({str(marker)!r} + str(os.getpid()))\nsum(range(10**13))\n"
    )
    command = [
        sys.executable,
        "-c",
        f"from twolayer.cli.main import main; main(['check', {str(script)!r}])",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    child = waited(lambda: [int(p.name[7:]) for p in tmp_path.glob("started*")])[0]
    process.send_signal(getattr(signal, signal_name))
    process.communicate(timeout=30)
    assert waited(lambda: not Path(f"/proc/{child}").exists() or is_zombie(child))


def waited(condition):
    import time

    end = time.monotonic() + 60
    while time.monotonic() < end:
        if condition():
            return condition()
        time.sleep(0.05)
    raise AssertionError("it did not happen within a minute")


def is_zombie(process):
    return Path(f"/proc/{process}/stat").read_text().split()[2] == "Z"
