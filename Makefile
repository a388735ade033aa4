PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
BENCHMARKS := one_pass sigmoid accuracy gram_solve one_gram selection folds clustered absorb exact_cost estimators wide elsewhere

.PHONY: demo test check bench clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[demo]"
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[dev]"
	touch $@

$(VENV)/.bench: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[bench]"
	touch $@

demo: $(VENV)/.demo  ## a regression on 327,346 flights
	$(BIN)/python demo/flights.py

test: $(VENV)/.dev check  ## every check and every test
	$(BIN)/python -m pytest -n 2

check: $(VENV)/.dev  ## style, types and layers
	$(BIN)/ruff check src tests benchmarks demo tools
	$(BIN)/ruff format --check src tests benchmarks demo tools
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench  ## every figure of the README, and more; all of them run, then missed bars are named
	@missed=; for name in $(BENCHMARKS); do $(BIN)/python benchmarks/$$name.py || missed="$$missed $$name"; done; \
	test -z "$$missed" || { echo "bars are missed in:$$missed"; exit 1; }

clean:
	rm -rf $(VENV) build dist demo/data benchmarks/data .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
