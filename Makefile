# `make` lists what there is. Everything runs in .venv, which bin/bootstrap makes and keeps up to date.

PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest
PEERS := .venv-bench/bin/python
SETTLED := DATABASE_URL=postgres://127.0.0.1/none REDIS_URL=redis://127.0.0.1/0 SECRET_KEY=for-checks-without-servers ENCRYPTION_KEYS=for-checks-without-servers-0123

.DEFAULT_GOAL := help
.PHONY: help run install install-dev test test-long bench-api bench-backtest bench-marketdata bench-orders lint format types layers migrations-check ci lock clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install:
	@bin/bootstrap requirements.txt

install-dev:
	@bin/bootstrap requirements.txt requirements-dev.txt

run: install ## Bring up the whole platform with its demonstration; Ctrl-C stops it
	@exec $(PYTHON) manage.py up --demo $(ARGS)

test: install-dev ## Run the tests, two files at a time
	@$(PYTEST) -n 2 --dist loadfile -m "not long" $(ARGS)

test-long: install-dev ## Run the slower proofs
	@$(PYTEST) -m long --timeout 1800 $(ARGS)

bench-api: install-dev ## Measure what signing in and the rate limits cost (needs wrk)
	@$(PYTHON) -m tests.benchmarks.api $(ARGS)

bench-backtest: install-dev ## Measure backtests beside their peers (some 15 minutes on two cores)
	@test -x $(PEERS) || $(PYTHON) -m venv $(dir $(patsubst %/,%,$(dir $(PEERS))))
	@$(PEERS) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@TQDM_DISABLE=1 $(PYTHON) -m tests.benchmarks.backtest --peers $(PEERS) $(ARGS)

bench-orders: install-dev ## Measure orders: the pipeline, signals, lists beside FastAPI (needs wrk; some 15 minutes)
	@test -x $(PEERS) || $(PYTHON) -m venv $(dir $(patsubst %/,%,$(dir $(PEERS))))
	@$(PEERS) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@$(PYTHON) -m tests.benchmarks.orders --peers $(PEERS) $(ARGS)

bench-marketdata: install-dev ## Measure candles: ingest, reads, cache, streams (some 15 minutes on two cores)
	@$(PYTHON) -m tests.benchmarks.marketdata $(ARGS)

lint: install-dev ## Check style and common faults
	@$(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check .

format: install-dev ## Put the code into its form
	@$(PYTHON) -m ruff check --fix . ; $(PYTHON) -m ruff format .

types: install-dev ## Check types: the core and every service, strictly
	@$(SETTLED) $(PYTHON) -m mypy

layers: install-dev ## Check that imports go downwards only
	@.venv/bin/lint-imports

migrations-check: install-dev ## Check that the models have their migrations
	@$(PYTHON) manage.py makemigrations --check --dry-run

ci: ## Run what continuous integration runs
	@bash .ci/run

lock: install-dev ## Resolve requirements*.in into the locked requirements*.txt
	@.venv/bin/uv pip compile --universal --python-version 3.12 --no-emit-index-url --generate-hashes -q \
		requirements.in -o requirements.txt
	@.venv/bin/uv pip compile --universal --python-version 3.12 --no-emit-index-url --generate-hashes -q \
		requirements-dev.in -o requirements-dev.txt
	@.venv/bin/uv pip compile --universal --python-version 3.12 --no-emit-index-url --generate-hashes -q \
		requirements-bench.in -o requirements-bench.txt

clean: ## Remove the environment and the caches; var/ with your data stays
	@rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
