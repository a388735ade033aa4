PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# kernels of OpenBLAS: one that every x86-64 processor runs, and one that most do
KERNELS := Prescott $(shell grep -qs avx2 /proc/cpuinfo && echo Haswell)
NUMERICAL := tests/laws/test_dense_laws.py tests/laws/test_glm_laws.py tests/laws/test_moments.py tests/unit/linalg/penalized tests/unit/linalg/wide \
  tests/unit/linalg/test_self_products.py tests/unit/linalg/residuals
COMPILED := hatch_build.py $(addprefix src/gramian/kernels/,build.py kernels.cpp elementary.h parts.h twofold.h vectors.h working_rows.h)  # by an install
BENCHMARKS := one_pass range sigmoid accuracy gram_solve one_gram selection folds clustered absorb exact_cost estimators wide elsewhere

.PHONY: demo notebook test check kernels package docs matrix bench measure clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt $(COMPILED) | $(BIN)/python
	$(PIP) --editable ".[demo]"
	touch $@

$(VENV)/.notebook: pyproject.toml constraints.txt $(COMPILED) | $(BIN)/python
	$(PIP) --editable ".[demo,notebook]"
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(COMPILED) | $(BIN)/python
	$(PIP) --editable ".[dev]"
	touch $@

$(VENV)/.bench: pyproject.toml constraints.txt $(COMPILED) | $(BIN)/python
	$(PIP) --editable ".[bench]"
	touch $@

$(VENV)/.docs: pyproject.toml constraints.txt $(COMPILED) | $(BIN)/python
	$(PIP) --editable ".[docs]"
	touch $@

$(VENV)/.matrix: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[matrix]"
	touch $@

demo: $(VENV)/.demo  ## a regression on 327,346 flights
	$(BIN)/python demo/flights.py

notebook: $(VENV)/.notebook  ## the notebook demo/flights.ipynb, run from the command line into build/flights.ipynb
	mkdir -p build && $(BIN)/python demo/flights.py > build/flights.txt
	$(BIN)/jupyter execute --output ../build/flights.ipynb demo/flights.ipynb

test: $(VENV)/.dev check  ## every check and every test
	$(BIN)/python -m pytest -n 2

check: $(VENV)/.dev  ## style, types and layers
	$(BIN)/ruff check src tests benchmarks demo tools
	$(BIN)/ruff format --check src tests benchmarks demo tools
	$(BIN)/mypy
	$(BIN)/lint-imports

kernels: $(VENV)/.dev  ## laws and linear algebra by NumPy alone, under an old and a newer kernel of OpenBLAS or the one that the machine prescribes
	@for kernel in $${OPENBLAS_CORETYPE:-$(KERNELS)}; do echo "NumPy alone, kernel $$kernel"; \
	GRAMIAN_PURE=1 OPENBLAS_CORETYPE=$$kernel $(BIN)/python -m pytest -q -n 2 $(NUMERICAL) || exit 1; done

package: $(BIN)/python  ## a source distribution, the wheel of it, and the wheel installed beside nothing of this tree
	rm -rf build/package && mkdir -p build/package
	$(PIP) --target build/package/tools hatchling
	PYTHONPATH=build/package/tools $(BIN)/python -m hatchling build -t sdist -d build/package
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/package build/package/gramian-*.tar.gz
	$(BIN)/python -m pip install --quiet --no-deps --target build/package/installed build/package/gramian-*.whl
	cd build/package/installed && PYTHONPATH=. $(abspath $(BIN))/python -c "import gramian as gm; assert gm.__file__.startswith('$(abspath build/package)'); gm.show_versions(); gm.lesson().html()"

docs: $(VENV)/.docs  ## the documentation, in build/docs; a warning or a link that leads nowhere is an error
	$(BIN)/python -m sphinx -q -W --keep-going -b html -j 2 docs build/docs

matrix: $(VENV)/.dev $(VENV)/.matrix  ## every Python that is here, each under another kernel of OpenBLAS; oldest versions; numbers under five
	$(BIN)/nox

bench: $(VENV)/.bench  ## every figure of the README, and more; all of them run, then missed bars are named
	@missed=; for name in $(BENCHMARKS); do $(BIN)/python benchmarks/$$name.py || missed="$$missed $$name"; done; \
	test -z "$$missed" || { echo "bars are missed in:$$missed"; exit 1; }

measure: $(VENV)/.dev  ## how the source reads: folders, circles, words, journeys
	$(BIN)/python tools/measure.py

clean:
	rm -rf $(VENV) build dist demo/data benchmarks/data .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
