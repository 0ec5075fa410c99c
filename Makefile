# The two commands of the README, and what keeps the tree honest.
# They need Python 3.11 or newer and make; everything else is fetched from the package index.

PYTHON ?= python3
DEMO := .venv
TEST := .venv-test

.PHONY: demo test test-all lint types clean

demo: $(DEMO)/installed
	$(DEMO)/bin/twolayer warmup
	$(DEMO)/bin/twolayer demo

test: $(TEST)/installed lint types
	$(TEST)/bin/python -m pytest -m "not slow"

test-all: $(TEST)/installed lint types
	$(TEST)/bin/python -m pytest

lint: $(TEST)/installed
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .

types: $(TEST)/installed
	$(TEST)/bin/mypy

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
