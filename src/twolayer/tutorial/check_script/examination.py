"""A script from its file to the verdict: its loop is found, compared with finite differences, and followed for a while."""

from __future__ import annotations

import ast
import time
import tokenize
from contextlib import suppress
from pathlib import Path
from typing import Any

from twolayer.tutorial.check_script.crash import CrashedError, CrashRecorder, crash_verdict
from twolayer.tutorial.check_script.idle_loop import fixed_loss, idle_verdict
from twolayer.tutorial.check_script.instrumentation import InstrumentedScript
from twolayer.tutorial.check_script.judgement import judge_step
from twolayer.tutorial.check_script.loss_course import course_verdict
from twolayer.tutorial.check_script.probe import Experiment
from twolayer.tutorial.check_script.recorder import LoopScout
from twolayer.tutorial.check_script.sandbox import NotFollowedError, Sandbox
from twolayer.tutorial.check_script.training_step import NotTrainingError, study_loop
from twolayer.tutorial.check_script.verdict import RIGHT, UNCHECKED, ScriptVerdict

SCOUT_SECONDS, EXAMINATION_SECONDS = 20.0, 80.0
MAX_LOOPS = 6  # that looked like training and were not


def examine_script(path: str, folder: Path, seconds: float = EXAMINATION_SECONDS) -> ScriptVerdict:
    """Return the verdict on a script; files that it writes land in the folder."""
    try:
        with tokenize.open(path) as file:
            source = file.read()
        ast.parse(source, path)
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        message = getattr(error, "msg", str(error))
        return ScriptVerdict(
            UNCHECKED, "no_python" if line else "no_text", line, "", {"message": message}
        )
    load_torch(source)
    deadline = time.monotonic() + seconds
    sandbox = Sandbox(path, folder)
    verdict = ScriptVerdict(UNCHECKED, "crashed")
    for double in (True, False):
        script = InstrumentedScript(source, path, double)
        sandbox.double = double
        examination = Examination(script, sandbox, deadline)
        try:
            return examination.verdict()
        except NotFollowedError as error:
            return ScriptVerdict(
                UNCHECKED, error.reason, error.values.get("line", 0), values=error.values
            )
        except MemoryError:
            return ScriptVerdict(UNCHECKED, "memory")
        except CrashedError as crash:
            verdict = examination.crash(crash)
    return verdict


def load_torch(source: str) -> None:
    """Import torch if the script does, so that its settings are there from the first run on."""
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
    }
    if imported & {"torch", "torchvision"}:
        with suppress(ImportError):
            import torch

            torch.set_num_threads(1)


class Examination:
    """One script with one precision.

    Parameters
    ----------
    script : InstrumentedScript
    sandbox : Sandbox
    deadline : float
    """

    def __init__(self, script: InstrumentedScript, sandbox: Sandbox, deadline: float) -> None:
        self.script, self.sandbox, self.deadline = script, sandbox, deadline
        self.scout = LoopScout(deadline, set())

    def verdict(self) -> ScriptVerdict:
        """Return the verdict; raise CrashedError or NotFollowedError."""
        skipped: set[int] = set()
        for _ in range(MAX_LOOPS):
            self.scout = LoopScout(time.monotonic() + SCOUT_SECONDS, skipped)
            self._run(self.script.light, self.scout)
            if self.scout.trained is None:
                break
            try:
                return self._loop_verdict(self.scout.trained)
            except NotTrainingError:
                skipped.add(self.scout.trained)
        return self._without_training(skipped)

    def _run(self, code: Any, recorder: Any) -> None:
        try:
            self.sandbox.run(code, recorder)
        except MemoryError:
            raise
        except Exception as error:
            raise CrashedError(error, self.script.path) from error

    def _loop_verdict(self, loop: int) -> ScriptVerdict:
        experiment = Experiment(self.script, self.sandbox, loop, self.deadline)
        try:
            step = study_loop(experiment)
        except (NotTrainingError, MemoryError):
            raise
        except Exception as error:
            raise CrashedError(error, self.script.path) from error
        verdict = judge_step(step)
        if verdict.status == RIGHT:
            return course_verdict(step, verdict)
        return verdict

    def _without_training(self, skipped: set[int]) -> ScriptVerdict:
        """Return the verdict on a script in whose loops no array changes by a loss."""
        counts = {loop: n for loop, n in self.scout.counts.items() if n >= 3}
        for loop in sorted(counts, reverse=True):
            if loop in skipped:
                continue
            experiment = Experiment(self.script, self.sandbox, loop, self.deadline)
            found = idle_verdict(experiment)
            if found is not None:
                return found
        for loop in sorted(skipped, reverse=True):
            found = fixed_loss(Experiment(self.script, self.sandbox, loop, self.deadline))
            if found is not None:
                return found
        if skipped:
            lines = [self.script.loops[loop] for loop in skipped]
            return ScriptVerdict(UNCHECKED, "no_loss_in_loop", min(lines))
        return ScriptVerdict(UNCHECKED, "no_loop")

    def crash(self, crash: CrashedError) -> ScriptVerdict:
        """Return the verdict on a script that stopped with an error, with its last iteration recorded."""
        recorder = None
        for loop, count in sorted(self.scout.counts.items(), reverse=True):
            recorder = CrashRecorder(self.script, loop, count - 1, count, self.deadline)
            try:
                self.sandbox.run(self.script.full, recorder)
            except Exception as error:
                crash = CrashedError(error, self.script.path)
                if recorder.events:
                    break
        return crash_verdict(crash, self.script, recorder)
