PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2

.PHONY: demo test lint clean

demo: .venv/demo.stamp  ## fit a KAN to 53,940 diamonds, beside two other models
	$(BIN)/python examples/diamonds.py

test: .venv/test.stamp lint  ## style, types, and all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --doctest-modules  # one core for each

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/%.stamp: pyproject.toml constraints.txt $(wildcard sklearn_kan/kernels/cpu/*.cpp sklearn_kan/kernels/cpu/*.h)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable ".[$*]"
	touch $@

clean:
	rm -rf .venv build *.egg-info
