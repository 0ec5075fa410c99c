"""Importing stays light, and goes one way: maths <- solvers <- engines <- training <- estimators <- command line."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from slow_cases import slow

PACKAGE = Path(__file__).parents[1] / "src" / "twolayer"
FILES = sorted(PACKAGE.rglob("*.py"))

HEAVY = [
    "sklearn", "torch", "numba", "matplotlib", "dask", "scipy", "polars", "pandas", "safetensors", "threadpoolctl",
    "onnx", "onnxruntime", "openpyxl",
]  # fmt: skip

# From the bottom up: a file imports from its own layer and from those below, never from above.
LAYERS = [
    {"errors"},
    {"maths"},
    {"solvers"},
    {"engines", "span"},
    {"checks", "files", "interrupting", "threads"},
    {"checkpoints", "choosing", "loop", "tables"},
    {"training", "program"},
    {"ladder", "estimators"},
    {"inspection", "saving", "plots", "comparing", "logistic", "export"},
    {"report"},
    {"cli"},
]

# What an engine's file imports beside the standard library, NumPy and twolayer: its own library.
LIBRARIES = {
    "__init__": set(),
    "contract": set(),
    "numpy_engine": set(),
    "compiled": {"numba"},
    "compiled_state": set(),
    "compiling": {"numba"},
    "passes": set(),
    "tiny": set(),
    "kernels": set(),
    "lbfgs_kernel": set(),
    "torch_engines": {"torch"},
    "torch_nn": {"torch"},
}


def part_of(path):
    """The first name below `twolayer`: maths, engines, training, ..."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def height(part):
    found = [level for level, parts in enumerate(LAYERS) if part in parts]
    assert found, f"twolayer.{part} has no place in LAYERS yet: give it the lowest it can have"
    return found[0]


def nodes_that_run(tree):
    """Every node but those under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from nodes_that_run(node)


def imports(source):
    """The full name of everything that a file imports when it is loaded or when its functions run."""
    for node in nodes_that_run(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def climbing(part, source):
    """The imports of a file of that part that go up."""
    names = [name.split(".") for name in imports(source)]
    own = [name[1] for name in names if name[0] == "twolayer" and name[1:] != ["__version__"]]
    return [other for other in own if height(other) > height(part)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    if path != PACKAGE / "__init__.py":  # the public names, gathered from everywhere
        assert climbing(part_of(path), path.read_text()) == []


def test_an_import_that_goes_up_would_be_seen():
    planted = "def f():\n    from twolayer.training.train import train\n"
    assert climbing("maths", planted) == ["training"]
    assert climbing("maths", "import twolayer.engines.contract") == ["engines"]
    assert climbing("engines", "from twolayer import training") == ["training"]
    assert (
        climbing("maths", "if TYPE_CHECKING:\n    from twolayer.training.train import train\n")
        == []
    )


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "engines").glob("*.py")), ids=lambda path: path.stem
)
def test_an_engine_imports_only_its_own_library(path):
    roots = {name.split(".")[0] for name in imports(path.read_text())}
    assert roots - set(sys.stdlib_module_names) - {"numpy", "twolayer"} <= LIBRARIES[path.stem]


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
