# Commands of the project; `make help` lists them. Needs Python 3.11 and make; the first call fetches the locked packages.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.SHELLFLAGS := -eu -o pipefail -c
# One state folder for the demonstration and one environment for everything.
DEMO := .demo
PICTURES := docs/pictures
PYTHON := .venv/bin/python
BASE_PYTHON := $(shell command -v python3.11 || command -v python3)
export PYTHONPATH := $(CURDIR)
export OPENBLAS_NUM_THREADS := 1

.PHONY: help demo backtest up bi down status clean psql test lint lint-style lint-types lint-sql docs pictures dashboards lock

help:  ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: .venv/installed  ## Show the whole workflow on real data: load a shop, build three days, print the result
	@$(PYTHON) -m demo.run_demo --folder $(DEMO)

up: .venv/installed  ## Start Postgres and Airflow, and print where its UI is
	@$(PYTHON) -m demo.services up --folder $(DEMO)

bi: .venv/installed .bi-venv/installed  ## Start Superset with dashboards over the warehouse, and print where it is
	@$(PYTHON) -m demo.services bi --folder $(DEMO)

down: .venv/installed  ## Stop what `make up`, `make bi` or `make demo` started
	@$(PYTHON) -m demo.services down --folder $(DEMO)

status: .venv/installed  ## Show what runs, and where
	@$(PYTHON) -m demo.services status --folder $(DEMO)

clean: .venv/installed  ## Stop everything and delete the demonstration's data
	@$(PYTHON) -m demo.services clean --folder $(DEMO)

backtest: .venv/installed  ## Build past days of the demonstration's shop and measure them: make backtest FROM=2017-09-18 TO=2017-11-20 EVERY=7
	@$(PYTHON) -m demo.backtest --folder $(DEMO) --from $(FROM) --to $(TO) --every $(or $(EVERY),1)

psql: .venv/installed  ## Open a session on the warehouse, or run the SQL from standard input
	@$(PYTHON) -m demo.services psql --folder $(DEMO)

test: lint  ## Check everything: lint, types, SQL style and all tests, those with Postgres and Airflow too
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Types and SQL are a minute's work on one core, so they go side by side.
lint: .venv/installed  ## Check style, types and SQL
	@$(MAKE) --no-print-directory -j 2 lint-types lint-sql lint-style

lint-style:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

lint-types:
	.venv/bin/mypy

lint-sql:
	.venv/bin/sqlfluff lint --disable-progress-bar sql

docs: .venv/installed  ## Write docs/tables.md from the declared tables
	$(PYTHON) -m recsys.tables_page

pictures: .venv/installed  ## Test the UI in a browser, and take the pictures of docs/ (needs Chromium)
	RECSYS_PICTURES=$(PICTURES) $(PYTHON) -m pytest tests/browser

dashboards: .venv/installed .bi-venv/installed  ## Test the dashboards in a real Superset, and take their pictures where there is a Chromium
	RECSYS_PICTURES=$(PICTURES) $(PYTHON) -m pytest tests/superset

lock: .venv/installed  ## Lock the newest versions that requirements.in and requirements-dev.in allow
	.venv/bin/uv pip compile -q --python-version 3.11 --generate-hashes requirements.in -o requirements.txt
	.venv/bin/uv pip compile -q --python-version 3.11 --generate-hashes requirements-dev.in -o requirements-dev.txt
	.venv/bin/uv pip compile -q --python-version 3.11 --generate-hashes bi/requirements.in -o bi/requirements.txt

# Superset needs other versions than Airflow, so it has an environment of its own.
.bi-venv/installed: bi/requirements.txt | .venv/installed
	@echo "Installing the locked packages of Superset into .bi-venv" >&2
	@test -x .bi-venv/bin/python || $(BASE_PYTHON) -m venv .bi-venv
	@.venv/bin/uv pip install -q --compile-bytecode --python .bi-venv/bin/python --require-hashes -r bi/requirements.txt
	@touch $@

# uv alone comes through pip, checked against its hash in the lock; it installs the rest. Compiled once here, since every
# task is a process of its own, and some machines forbid Python to keep what it compiled (PYTHONDONTWRITEBYTECODE).
.venv/installed: requirements.txt requirements-dev.txt
	@$(BASE_PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(v != (3, 11) and "Python 3.11 is needed, this is %d.%d" % v)'
	@echo "Installing the locked packages into .venv" >&2
	@test -x .venv/bin/pip || $(BASE_PYTHON) -m venv .venv
	@mkdir -p .venv/tmp
	@sed -n '/^uv==/,/^[^ ]*==/{/^uv==/p;/^    --hash/p}' requirements-dev.txt > .venv/tmp/uv.txt
	@.venv/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r .venv/tmp/uv.txt
	@.venv/bin/uv pip install -q --python $(PYTHON) --require-hashes -r requirements.txt -r requirements-dev.txt
	@$(PYTHON) -m compileall -qq -j 0 -x '/(tests|pip|setuptools|mypyc?)/' .venv/lib/python3.11/site-packages || true
	@touch $@
