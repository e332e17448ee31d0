.DEFAULT_GOAL := help
.PHONY: help run fleet test unit bench soak screenshots lint format pins clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTS ?= tests
MINUTES ?= 10
# Whatever the shell says, Python keeps what it has compiled: a run of the suite starts hundreds of programs.
export PYTHONDONTWRITEBYTECODE :=

help: ## Show these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

run: $(VENV)/.run ## Run the demo: simulator, connector, 1,000 sample notifications (ARGS=--once to stop when done)
	@$(BIN)/connector demo $(ARGS)

fleet: $(VENV)/.run ## Run the demo as a fleet: RabbitMQ, PostgreSQL, two workers (needs both installed; ARGS=--once as above)
	@$(BIN)/connector demo --fleet $(ARGS)

# The long tests wait half of their time for servers and processes: twice as many at once as there are cores.
AT_ONCE ?= $(shell expr 2 '*' $$(nproc))
test: $(VENV)/.dev ## Run the whole test suite (TESTS=tests/faults for a part; ARGS="-p no:randomly" in the order of the files)
	@$(BIN)/python -m pytest -n $(AT_ONCE) --dist loadscope $(TESTS) $(ARGS)

unit: $(VENV)/.dev ## Run the tests that need no server and no process of their own, for the inner loop
	@$(BIN)/python -m pytest -n auto --dist loadscope tests/unit $(ARGS)

bench: $(VENV)/.bench ## Measure how fast it is, into docs/performance.md (ARGS="--scale 0.1" for a shorter run)
	@$(BIN)/python -m benchmarks all $(ARGS)

soak: $(VENV)/.dev ## Faults at random moments, properties, fuzzers, for MINUTES=10 (ARGS="--only replies --seed 7")
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) $(ARGS)

screenshots: $(VENV)/.dev ## Take the screenshots of the documents from the demo (needs chromium)
	@$(BIN)/python scripts/take_screenshots.py

lint: $(VENV)/.dev ## Check style, types and the rule of imports
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: $(VENV)/.dev ## Rewrite the code in the house's style
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

pins: ## Renew requirements*.txt from pyproject.toml (needs uv)
	uv pip compile pyproject.toml $(PINS) --group build -o requirements.txt
	uv pip compile pyproject.toml $(PINS) --group build --group dev -o requirements-dev.txt
	uv pip compile pyproject.toml $(PINS) --all-extras --group build -c requirements-dev.txt -o requirements-image.txt
	uv pip compile $(PINS) --group bench -c requirements.txt -o requirements-bench.txt
	uv pip compile $(PINS) --group libraries -o requirements-libraries.txt

PINS := --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet

clean: ## Remove the virtual environment and what the demo left
	rm -rf $(VENV) var

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: name a newer one with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || $(PYTHON) -m virtualenv -q $(VENV) 2>/dev/null || uv venv -q --seed --python $(PYTHON) $(VENV) 2>/dev/null \
		|| { rm -rf $(VENV); echo "This Python cannot make virtual environments: apt install python3-venv, or pip install --user virtualenv"; exit 1; }

$(VENV)/.run: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q connector tasks
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml | $(VENV)/.run
	@echo "Installing the development tools ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.bench: requirements-bench.txt pyproject.toml | $(VENV)/.run
	@echo "Installing the clients to compare with ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@
