# make demo    set up, start the local cloud, deploy, run a simulated fleet   (ARGS=--once: two minutes, then checks)
# make test    set up, lint, run every test
# make lint    ruff, mypy, import-linter, tsc        make fmt     format
# make check   lint, synth and test               make synth   synthesise the CDK app into cdk.out
# make bench   benchmarks beside their peers      make lock    pin requirements again
# make accept-openclaw   plugin, agent, rollouts with a real OpenClaw (opt-in: installs it, 0.9 GB)
# make clean   remove all of the above (keeps the data of the local cloud)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Bytecode makes every start faster; pycache is ignored by git.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
ARGS ?=
PYTEST_ARGS ?=

.PHONY: help setup demo test lint fmt check synth bench accept-openclaw lock clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

setup: .venv/.ready
	@$(BIN)/python -m cdk.dashboard

.venv/.ready: requirements/bootstrap.txt requirements/dev.txt requirements/node.txt sdk/pyproject.toml localstack/pyproject.toml
	@python=$$(scripts/find-python) && echo "setting up .venv with $$python" \
	  && { [[ -x $(BIN)/python ]] && $(BIN)/python -c '' 2>/dev/null || "$$python" -m venv --clear .venv; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@$(BIN)/uv pip sync --quiet --python .venv --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation -e sdk -e localstack
	@[[ $$(node --version 2>/dev/null) =~ ^v([2-9][0-9])\. ]] \
	  || $(BIN)/uv pip install --quiet --python .venv --require-hashes -r requirements/node.txt
	@touch $@

demo: setup
	@exec $(BIN)/python -m demo.run $(ARGS)

test: setup lint
	@scripts/need-chromium
	@scripts/need-bash-tools
	@scripts/test $(PYTEST_ARGS)

lint: setup
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@cd dashboard && node_modules/.bin/tsc --noEmit

fmt: setup
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

check: lint synth test

synth: setup
	@$(BIN)/python -m cdk.synth

bench: setup
	@$(BIN)/python -m tests.benchmarks $(ARGS)

accept-openclaw: setup
	@scripts/accept-openclaw

lock: setup
	@scripts/lock

clean:
	rm -rf .venv .cloud build cdk.out dist dashboard/node_modules functions/dashboard .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
