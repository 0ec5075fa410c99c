"""The learners' scripts of the tests, and what `twolayer check` should say of each: the first line of the script has it."""

import json
import subprocess
import sys
from pathlib import Path

from twolayer.tutorial.bilingual import LANGUAGES
from twolayer.tutorial.check_script.verdict import ScriptVerdict
from twolayer.tutorial.check_script.verdict_page import wrong_text

SCRIPTS = Path(__file__).parents[1] / "tutorial" / "scripts"

# many scripts in one process: its start takes longer than a script
EXAMINATION = """
import json, sys, tempfile
from pathlib import Path
from twolayer.tutorial.check_script.examination import examine_script
for path in sys.argv[1:]:
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps([path, examine_script(path, Path(folder), seconds=250).as_json()]), flush=True)
"""


def expected(path):
    """`right`, `unchecked`, or `wrong`, the cause and the line, as a dict."""
    words = path.read_text().splitlines()[0].removeprefix("#").split()
    if len(words) == 1:
        return {"status": words[0]}
    status, cause, line = words
    return {"status": status, "cause": cause, "line": int(line)}


def uses_torch(path):
    return "import torch" in path.read_text() or "from torch" in path.read_text()


def examined(paths):
    """The verdict on each script, by its name, from one fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", EXAMINATION, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    answers = map(json.loads, done.stdout.splitlines())
    return {Path(path).name: verdict for path, verdict in answers}


def mistakes(paths):
    """What is said of a script and should not be, by its name."""
    verdicts = examined(paths)
    found = {}
    for path in paths:
        wanted, verdict = expected(path), verdicts[path.name]
        if {name: verdict[name] for name in wanted} != wanted:
            found[path.name] = verdict
        elif verdict["status"] == "wrong":  # its message has all its values
            assert all(wrong_text(lang, ScriptVerdict(**verdict)) for lang in LANGUAGES)
    return found
