# One command runs every check, here and in CI, and it is the same command.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin

.PHONY: test faults test-matrix demo bench format docs clean

$(VENV)/.made: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[embedded]" --group dev
	$(BIN)/python -m compileall -q src alembic_plugin
	touch $@

test: $(VENV)/.made
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m compileall -q src alembic_plugin
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not servers"

# Every fault at every place; what needs root (a disk of a few megabytes) too. `make test` has some of each.
faults: $(VENV)/.made
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/faults

test-matrix: $(VENV)/.made
	$(BIN)/python -m pip install --quiet nox
	$(BIN)/python -m nox

demo: $(VENV)/.made
	$(BIN)/migsafe demo

bench: $(VENV)/.made
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

format: $(VENV)/.made
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.made
	$(BIN)/python -m migsafe.cli.docs
	$(BIN)/python tests/locks_page.py

clean:
	rm -rf $(VENV) .*_cache
