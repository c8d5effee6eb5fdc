PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
SEED ?= 1
MINUTES ?= 10
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

.PHONY: demo test fuzz lint clean

demo: .venv/demo.stamp  ## fit a KAN to 53,940 diamonds, beside two other models
	$(BIN)/python examples/diamonds.py

test: .venv/test.stamp lint  ## style, types, and all tests; SEED changes their order and nothing else
	$(PYTEST) --doctest-modules --randomly-seed=$(SEED) --randomly-dont-reset-seed

fuzz: .venv/test.stamp  ## look for examples that break a property, in rounds that begin within MINUTES
	end=$$(($$(date +%s) + 60 * $(MINUTES))); while [ $$(date +%s) -lt $$end ]; do \
		$(PYTEST) -m hypothesis --hypothesis-profile=fuzz || exit; done

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
