PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2
SEED ?= 1
MINUTES ?= 10
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
SANITIZE = -std=gnu++17 -O0 -g1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -Wno-psabi -fPIC
KERNELS := sklearn_kan/kernels/cpu

# Modules are compiled once, when they are first imported, for all the processes of all tests.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test test-lowest fuzz sanitize docs lint clean

demo: .venv/demo.stamp  ## fit a KAN to 53,940 diamonds, beside two other models
	$(BIN)/python examples/diamonds.py

test: .venv/test.stamp lint  ## style, types, and all tests; SEED changes their order and nothing else
	$(PYTEST) --doctest-modules --randomly-seed=$(SEED) --randomly-dont-reset-seed

test-lowest: .venv-lowest/test.stamp  ## all tests with the lowest versions of what the package stands on
	OMP_NUM_THREADS=1 .venv-lowest/bin/python -m pytest -n $(WORKERS) --dist worksteal

.venv-lowest/test.stamp: pyproject.toml constraints-lowest.txt setup.py $(wildcard $(KERNELS)/*.cpp $(KERNELS)/*.h)
	test -x .venv-lowest/bin/python || $(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --constraint constraints-lowest.txt --editable ".[test]"
	touch $@

fuzz: .venv/test.stamp  ## look for examples that break a property, in rounds that begin within MINUTES
	end=$$(($$(date +%s) + 60 * $(MINUTES))); while [ $$(date +%s) -lt $$end ]; do \
		$(PYTEST) -m hypothesis --hypothesis-profile=fuzz || exit; done

sanitize: .venv/test.stamp build/sanitized.so  ## random layers and crafted tables through the kernels, memory watched
	OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD=$$($(CXX) -print-file-name=libasan.so) \
		$(BIN)/python tests/kernels/cpu/sanitize.py build/sanitized.so

build/sanitized.so: $(patsubst $(KERNELS)/%.cpp,build/sanitized_%.o,$(wildcard $(KERNELS)/*.cpp))
	$(CXX) -shared $(SANITIZE) $^ -o $@

build/sanitized_%.o: $(KERNELS)/%.cpp $(wildcard $(KERNELS)/*.h)
	mkdir -p build
	$(CXX) $(SANITIZE) -c $< -o $@

docs: .venv/docs.stamp  ## the site in build/docs, warnings as errors; looked at in Chromium where it is installed
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx --builder html --nitpicky --fail-on-warning --keep-going docs build/docs
	$(BIN)/python -m pytest -q --noconftest -p no:cacheprovider tests/site/browse.py tests/site/browse_report.py

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/test.stamp: export CXXFLAGS = -Wall -Werror=vla -Werror=frame-larger-than=16384

.venv/package.stamp: pyproject.toml constraints.txt setup.py $(wildcard $(KERNELS)/*.cpp $(KERNELS)/*.h)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "pip>=25"  # older ones take twice as long
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable .
	touch $@

.venv/%.stamp: .venv/package.stamp  # what an extra needs in addition; kernels are compiled once
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt "sklearn-kan[$*]"
	touch $@

clean:
	rm -rf .venv .venv-lowest build docs/api docs/gallery *.egg-info
