# The two commands of the README, and what keeps the tree honest.
# They need Python 3.11 or newer and make; everything else is fetched from the package index.

PYTHON ?= python3
DEMO := .venv
TEST := .venv-test

PYTEST := $(TEST)/bin/python -m pytest -n auto --maxprocesses 4 --dist worksteal

# What a learner sees has a target of its own: a browser and scripts of users take as long as all the rest.
LESSON := tests/watch tests/tutorial tests/test_examples.py tests/cli/test_check_command.py tests/cli/test_ladder_command.py

# Tests begin some hundred processes: what Python has compiled is kept for those after it, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-lesson test-all test-numerics lint types kernels clean

demo: $(DEMO)/installed
	$(DEMO)/bin/twolayer warmup
	$(DEMO)/bin/twolayer demo

# The tests of every day, and all of them: those marked slow too, with other random examples each time.
test: lint types kernels
	$(PYTEST) -m "not slow" $(LESSON:%=--ignore=%)

test-lesson: kernels
	$(PYTEST) -m "not slow" $(LESSON)

test-all: lint types kernels
	$(PYTEST) --hypothesis-profile=random

# What computes, once more: the same call on another processor rounds in another way.
test-numerics: kernels
	$(PYTEST) -m "not slow" tests/maths tests/solvers tests/engines \
		tests/training/test_train.py tests/training/test_loop.py tests/training/test_checkpoints.py

lint: $(TEST)/installed
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .

types: $(TEST)/installed
	$(TEST)/bin/mypy

# Compiled once, before several processes of tests would each do it.
kernels: $(TEST)/installed
	$(TEST)/bin/twolayer warmup

$(DEMO)/installed: pyproject.toml
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet ".[cli]"
	touch $@

$(TEST)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(TEST)
	$(TEST)/bin/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf $(DEMO) $(TEST) build dist .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
