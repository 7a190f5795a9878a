.PHONY: demo test check setup format requirements lock help bench-bargein bench-calls bench-stops
SHELL := /bin/bash
PY := .venv/bin/python

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: ## a caller phones a seeded Hebrew clinic, on real sockets, with no account
	@scripts/setup run
	@.venv/bin/agentlocator demo

test: ## every test, on everything a fresh machine needs
	@scripts/setup dev
	@$(PY) -m pytest -n 4 --dist loadfile --no-loadscope-reorder

setup: ## .venv and the system packages, nothing else
	@scripts/setup dev

check: ## format, lint, types, imports, tests
	@scripts/setup dev
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache
	@$(PY) -m pytest -n 4 --dist loadfile --no-loadscope-reorder

format: ## rewrite to the house format
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

requirements: ## REQUIREMENTS' numbers and the tests that prove them
	@scripts/setup dev
	@$(PY) scripts/requirements.py

bench-bargein: ## the ear and the floor on a labelled corpus: table and plots in build/bargein/report.html
	@scripts/setup dev
	@$(PY) -m bench.bargein

bench-calls: ## CPU per call-minute, time to the greeting, turn latency of the server
	@scripts/setup dev
	@$(PY) -m bench.calls

bench-stops: ## how fast the assistant falls silent, through the whole server
	@scripts/setup dev
	@$(PY) -m bench.stops

lock: ## resolve pyproject.toml into requirements/*.lock, hash-pinned
	@scripts/lock
