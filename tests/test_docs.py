"""What the pages and the docstrings name is there: modules, functions, words of code, files, options."""

import ast
import importlib
import re
import runpy
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from test_imports import ROOMS
from test_readme import COMMANDS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "twolayer"
PAGES = [
    *sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "examples" / "README.md", ROOT / "benchmarks" / "README.md",
]  # fmt: skip
FOLDERS = ("src", "tests", "docs", "benchmarks", "examples")
# Words of other programs.
FOREIGN = {
    "NUMBA_CPU_NAME",
    "OMP_NUM_THREADS",
    "pre",
    "commit",
    *[
        "adlfs",
        "bokeh",
        "gcsfs",
        "job_script",
        "jobqueue",
        "kubectl",
        "kubernetes",
        "make_cluster_spec",
        "s3fs",
    ],
}
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def page_text(path):
    """A page without its diffs, which add what is not there yet."""
    return re.sub(r"^```diff\n.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def dotted_names(text):
    """Every `twolayer.x.y` and `tl.x`, but not in the name of a file."""
    found = re.findall(r"(?<![\w./'-])(?:twolayer|tl)((?:\.[A-Za-z_]\w*)+)", text)
    return {f"twolayer{name}" for name in found}


@cache
def is_there(name):
    """Whether a dotted name is a module, or an attribute of one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


def docstrings(path):
    """The docstrings of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            yield ast.get_docstring(node) or ""


def code_spans(text):
    """What stands between backticks, outside the blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def code_words(text):
    """The words of those, without the names of files."""
    spans = [span for span in code_spans(text) if not re.search(r"\.\w+$|/", span)]
    return {word for span in spans for word in re.findall(r"[A-Za-z_]\w+", span)}


def options(text):
    """The options in them."""
    return {
        option for span in code_spans(text) for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", span)
    }  # fmt: skip


@cache
def known_words():
    """Every word of the sources, and the names of their files."""
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    files += [ROOT / name for name in ("Makefile", "pyproject.toml", ".pre-commit-config.yaml")]
    text = "\n".join(path.read_text() for path in files)
    return set(re.findall(r"\w+", text)) | {path.stem for path in files} | FOREIGN


@cache
def known_options():
    """Those of our commands and of the benchmarks."""
    ours = {
        option
        for command in COMMANDS.values()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    text = "\n".join(path.read_text() for path in (ROOT / "benchmarks").glob("*.py"))
    return ours | set(re.findall(r"\"(--[a-z-]+)\"", text)) | {"--help", "--version"}


def missing_files(text, page):
    """The files and folders of ours in a page that are not there."""
    below = "|".join(FOLDERS)
    named = set(re.findall(rf"(?<![\w/.])((?:{below})/[\w./-]*\w)", text))
    named |= {span for span in code_spans(text) if re.fullmatch(r"[\w/]+(/|\.py)", span)}
    places = (ROOT, PACKAGE, page.parent, page.parent / "ladder")
    return {
        name
        for name in named
        if not any((place / name).exists() for place in places)
        and not any(ROOT.glob(f"src/**/{name}"))
    }


def missing_names(text):
    return {name for name in dotted_names(text) if not is_there(name)}


@each_page
def test_the_names_of_a_page_are_there(path):
    assert missing_names(page_text(path)) == set()


@each_page
def test_the_words_of_code_in_a_page_are_there(path):
    assert code_words(page_text(path)) - known_words() == set()


@each_page
def test_the_files_of_a_page_are_there(path):
    assert missing_files(page_text(path), path) == set()


@each_page
def test_the_options_of_a_page_are_there(path):
    assert options(page_text(path)) - known_options() == set()


def test_the_names_of_docstrings_are_there():
    found = {path.name: missing_names("\n".join(docstrings(path))) for path in PACKAGE.rglob("*.py")}  # fmt: skip
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_the_picture_and_the_page_have_the_rooms_in_their_order():
    picture = runpy.run_path(str(ROOT / "docs" / "architecture.py"))
    rooms = [room for room in ROOMS if not room.startswith("_")]
    assert list(chain(*picture["LAYERS"])) == rooms
    imports = picture["room_imports"]()
    assert [call for call in picture["CALLS"] if call[1] not in imports[call[0]]] == []
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| ((?:`\w+` )+)\|", page, re.MULTILINE)
    assert re.findall(r"\w+", " ".join(rows)) == rooms


def test_what_is_not_there_would_be_seen():
    page = ROOT / "docs" / "page.md"
    text = (
        "`tl.trian`, twolayer.maths.network.Parms, `data.twolayer.safetensors`, `tl.train(x)`; `src/twolayer/maths/spam.py`, "
        "`maths/span.py`, `spam.py`, `span.py`; `fit --no-such-option --target y`; `permutation_importance_table`"
    )
    assert missing_names(text) == {"twolayer.trian", "twolayer.maths.network.Parms"}
    assert missing_files(text, page) == {"src/twolayer/maths/spam.py", "spam.py"}
    assert options(text) - known_options() == {"--no-such-option"}
    assert "permutation_importance_table" in code_words(text) - known_words()
