"""Importing stays light, and goes one way between files; names are used once.

The order of the rooms is that of the design: a file imports from its own room and from those before it.
"""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from slow_cases import slow

PACKAGE = Path(__file__).parents[1] / "src" / "twolayer"

HEAVY = [
    "sklearn", "torch", "numba", "matplotlib", "dask", "scipy", "polars", "pandas", "safetensors", "threadpoolctl",
    "onnx", "onnxruntime", "openpyxl", "starlette", "uvicorn", "websockets",
]  # fmt: skip

ROOMS = [
    "_version",
    "errors",
    "checks",
    "text",
    "files",
    "maths",
    "solvers",
    "engines",
    "training",
    "functional",
    "evaluation",
    "estimators",
    "tables",
    "saving",
    "export",
    "inspection",
    "plots",
    "report",
    "tutorial",
    "watch",
    "distributed",
    "cli",
    "__main__",
]

# What an engine's file imports beside the standard library, NumPy and twolayer: its own library.
ENGINE_LIBRARIES = {
    "torch_engines": "torch",
    "torch_nn": "torch",
    "jit": "numba",
    "engine": "numba",
}

SAME_FUNCTIONS = {"forward", "init_params", "loss_and_gradients", "main", "__getattr__", "__dir__"}
FIELD_WORDS = {
    "distributed",
    "training",
    "saving",
    "compiled",
    "delimited",
    "early_stopping",
    "scoring",
    "ranking",
    "timing",  # the topic of that page
}
PARTICIPLES = {"told", "found", "known", "kept", "seen", "said", "given", "made", "drawn", "asked"}


def package_sources():
    """The source of every module of the package, by its dotted name; a package by the name of its folder."""
    sources = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        sources[name] = path.read_text()
    return sources


@cache
def imported(source):
    """The full name of everything that a file imports: at its top, inside its functions, and for the type checker."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import in line {node.lineno}"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def arrows(sources):
    """The pairs (module, module of the package that it imports), but for the package's own first file."""
    for module, source in sources.items():
        for name in imported(source) if module != "twolayer" else ():
            target = name if name in sources else name.rpartition(".")[0]
            if name.split(".")[0] == "twolayer" and target != module:
                yield module, target


def room(module):
    """The place of a module's room in the order; the package itself, with all public names, is above all."""
    name = module.partition(".")[2].partition(".")[0]
    assert not name or name in ROOMS, (
        f"{module} has no place in ROOMS yet: give it the lowest it can have"
    )
    return ROOMS.index(name) if name else len(ROOMS)


def arrows_up(sources):
    return {(one, other) for one, other in arrows(sources) if room(other) > room(one)}


def circles(sources):
    """The sets of files each of which imports all others, directly or by way of others of them."""
    targets = defaultdict(set)
    for one, other in arrows(sources):
        targets[one].add(other)
    reached = {}
    for start in sources:
        found, ahead = set(), [start]
        while ahead:
            new = targets[ahead.pop()] - found
            found |= new
            ahead += new
        reached[start] = found
    return {
        frozenset(other for other in reached[one] if one in reached[other])
        for one in sources
        if one in reached[one]
    }


@cache
def top_names(source):
    """The top-level names of a file: classes, constants and functions."""
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [part for one in targets for part in ast.walk(one)]
            names += [part.id for part in parts if isinstance(part, ast.Name)]
        else:
            names.append(getattr(node, "name", None))
    return names


def names_used_twice(sources):
    """Top-level names that stand in two files."""
    homes = defaultdict(set)
    for module, source in sources.items():
        for name in top_names(source):
            homes[name].add(module)
    allowed = SAME_FUNCTIONS | {None, "__all__"}
    return {name for name, modules in homes.items() if len(modules) > 1 and name not in allowed}


def gerunds_and_participles(modules):
    """Files and folders whose name, or the noun at its end, is a form of a verb."""
    names = {part for module in modules for part in module.split(".")}
    return {
        name
        for name in names
        if (name not in FIELD_WORDS and re.search(r"(ing|ed)$", name.split("_")[-1]))
        or name.split("_")[-1] in PARTICIPLES
    }  # fmt: skip


SOURCES = package_sources()


def test_imports_go_one_way():
    assert arrows_up(SOURCES) == set()


def test_no_circle_between_files():
    assert circles(SOURCES) == set()


def test_a_name_is_used_once():
    assert names_used_twice(SOURCES) == set()


def test_files_are_named_by_nouns():
    assert gerunds_and_participles(SOURCES) == set()


@pytest.mark.parametrize(
    "line",
    [
        "from twolayer.training.train import train",
        "import twolayer.training.train",
        "from twolayer.training import train",
        "from twolayer import train",
        "def f():\n    from twolayer.training import train",
        "if TYPE_CHECKING:\n    from twolayer.training.train import Run",
    ],
)
def test_an_import_that_goes_up_would_be_seen(line):
    planted = SOURCES | {"twolayer.maths.planted": line}
    ((module, target),) = arrows_up(planted)
    assert module == "twolayer.maths.planted"
    assert target == (
        "twolayer" if line == "from twolayer import train" else "twolayer.training.train"
    )


def test_a_circle_would_be_seen():
    planted = {
        "twolayer.maths.one": "from twolayer.maths.two import f",
        "twolayer.maths.two": "def f():\n    from twolayer.maths import three",
        "twolayer.maths.three": "if TYPE_CHECKING:\n    from twolayer.maths.one import g",
        "twolayer.maths.four": "from twolayer.maths import one",
    }
    assert circles(planted) == {frozenset(list(planted)[:3])}
    assert circles(SOURCES | planted) == circles(planted)


@pytest.mark.parametrize(
    "line", ["class Params: pass", "LOSSES = {}", "LOSSES: dict = {}", "def get_engine(): pass"]
)
def test_a_name_used_twice_would_be_seen(line):
    (name,) = names_used_twice(SOURCES | {"twolayer.maths.planted": line})
    assert name in line


@pytest.mark.parametrize("name", ["searching", "rows_kept", "told", "calibrated"])
def test_a_form_of_a_verb_would_be_seen(name):
    assert gerunds_and_participles([*SOURCES, f"twolayer.maths.{name}"]) == {name}


ENGINE_FILES = sorted((PACKAGE / "engines").rglob("*.py"))


@pytest.mark.parametrize("path", ENGINE_FILES, ids=lambda path: path.stem)
def test_an_engine_imports_only_its_own_library(path):
    roots = {name.split(".")[0] for name in imported(path.read_text())}
    others = roots - set(sys.stdlib_module_names) - {"numpy", "twolayer"}
    assert others <= {ENGINE_LIBRARIES.get(path.stem)}


def loaded_by(code):
    """Which of the heavy libraries a fresh Python has loaded after this code."""
    report = f"import sys; print('loaded:', *(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_import_twolayer_loads_nothing_heavy():
    assert loaded_by("import twolayer") == set()
    assert loaded_by("import twolayer, scipy") == {"scipy"}  # the report does report


@pytest.mark.parametrize(
    "words", [["--help"], ["fit", "--help"], *slow(["--version"], ["ladder", "--help"])]
)
def test_the_command_line_says_its_help_with_nothing_heavy(words):
    code = f"""
from twolayer.cli.main import main
try:
    main({words})
except SystemExit as left:
    assert not left.code
"""
    assert loaded_by(code) == set()


@pytest.mark.parametrize(
    ("engine", "library"), [("numpy", None), ("compiled", "numba"), *slow(("torch", "torch"))]
)
def test_training_with_one_engine_loads_no_other_library(engine, library):
    code = f"""
import twolayer as tl
tl.train([[1.0, 2.0]], [[1.0]], tl.init_params(2, 3, 1), engine={engine!r}, steps=1)
"""
    libraries = {"sklearn", "torch", "numba", "matplotlib", "dask", "polars"}
    assert loaded_by(code) & libraries == ({library} if library else set())
