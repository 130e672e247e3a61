# What can be done here. Each target installs what it needs by itself; `make` alone lists them.
# Every recipe may be run again: a stamp file in .venv remembers what was installed and from what.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV  := .venv
BIN   := $(VENV)/bin

# The first Python on the path that the project supports; `make PYTHON=/path/to/python setup` names another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	command -v $$python >/dev/null 2>&1 && $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	&& { echo $$python; break; }; done 2>/dev/null)

# One test worker a core; `make test ARGS="-k cli"` hands further arguments to pytest.
WORKERS ?= auto
ARGS    ?=

# The folders whose functions are pure, and the others whose types are checked.
TYPED := $(wildcard ecom_assets/settings.py $(addprefix ecom_assets/, anomalies contracts customers forecasting guard \
	ingestion insights metrics quality reports simulation sql text warehouse))

# No dependency may call home, whatever its default.
export DAGSTER_DISABLE_TELEMETRY := 1
export GX_ANALYTICS_ENABLED      := false
export DO_NOT_TRACK              := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo ui test test-duckdb2 lint format bench docs clean

help: ## list what can be done
	@echo "make demo    install, simulate a shop, run it end to end, print its last day"
	@echo "make ui      open Dagster's UI on the state in data/ (http://127.0.0.1:3000)"
	@echo "make test    install what tests need and run all of them; ARGS=\"-k cli\" picks some"
	@echo "make test-duckdb2   the tests of all that runs SQL, on DuckDB 2.0 instead of the pinned 1.5"
	@echo "make lint    ruff and mypy;  make format  mends what ruff can mend"
	@echo "make bench   measure speed, each number beside a plain script that does the same work"
	@echo "make docs    make anew what is in docs/ by program: the data dictionary, the picture"
	@echo "make setup   only install;   make clean   remove what was installed and built (never data/)"

setup: $(VENV)/.installed .env ## only install

demo: setup ## from nothing to a day's sales
	$(BIN)/ecom demo $(ARGS)

ui: setup
	$(BIN)/ecom ui $(ARGS)

test: $(VENV)/.installed-dev .env
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --max-worker-restart 0 $(ARGS)

# The next DuckDB beside the pinned one: all that runs SQL of ours.
test-duckdb2: $(VENV)/.duckdb2
	PYTHONPATH=$(VENV)/duckdb2 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS) \
		$(addprefix ecom_assets_tests/unit/, warehouse ingestion quality kpi behaviour metrics sql)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev .env
	$(BIN)/python -m bench $(ARGS)

docs: $(VENV)/.installed-dev .env
	$(BIN)/python -m ecom_assets.metrics.dictionary
	ECOM_PICTURE=$(CURDIR)/docs/ui.png $(BIN)/python -m pytest -q ecom_assets_tests/e2e/test_ui.py -k graph

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -not -path './data/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 is on the path; install one or name it: make PYTHON=/path/to/python setup" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

$(VENV)/.duckdb2: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(VENV)/duckdb2 duckdb==2.0.0
	@touch $@

# Dagster reads .env in its working directory: plain `dagster dev` then opens this project's state.
.env: $(VENV)/.installed
	@$(BIN)/python -m ecom_assets.cli.dotenv .env
	@touch $@
