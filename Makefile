.DEFAULT_GOAL := help
.PHONY: help run fleet test bench lint format pins clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTS ?= tests

help: ## Show these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: $(VENV)/.run ## Run the demo: simulator, connector, 1,000 sample notifications (ARGS=--once to stop when done)
	@$(BIN)/connector demo $(ARGS)

fleet: $(VENV)/.run ## Run the demo as a fleet: RabbitMQ, PostgreSQL, two workers (needs both installed; ARGS=--once as above)
	@$(BIN)/connector demo --fleet $(ARGS)

test: $(VENV)/.dev ## Run the whole test suite (TESTS=tests/unit for a part of it)
	@$(BIN)/python -m pytest -n 2 --dist loadscope $(TESTS) $(ARGS)

bench: $(VENV)/.bench ## Measure how fast it is, into docs/performance.md (ARGS="--changes 20000" for a shorter run)
	@$(BIN)/python -m benchmarks all $(ARGS)

lint: $(VENV)/.dev ## Check style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: $(VENV)/.dev ## Rewrite the code in the house's style
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

pins: ## Renew requirements*.txt from pyproject.toml (needs uv)
	uv pip compile pyproject.toml $(PINS) --group build -o requirements.txt
	uv pip compile pyproject.toml $(PINS) --group build --group dev -o requirements-dev.txt
	uv pip compile $(PINS) --group bench -c requirements.txt -o requirements-bench.txt

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
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml | $(VENV)/.run
	@echo "Installing the development tools ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.bench: requirements-bench.txt pyproject.toml | $(VENV)/.run
	@echo "Installing the clients to compare with ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@
