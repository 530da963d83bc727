# make run                      the main job, shown on a pretend fediverse on this machine, and then
#                               the service on it, to be tried in the browser until Ctrl-C
# make run HOME=example.social  the same for your own account there (asks for a token)
# make test                     all tests
# make check                    formatting, lint, strict types, import layers
# make bench                    the benchmarks of docs/benchmarks.md (an hour)
# make clean                    takes away what the above made
#
# Needs Python 3.11 or newer (PYTHON=… names one) and the package registry, nothing else.

SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin

# HOME= on make's command line names a server. Programs must still see the real home folder.
ifeq ($(origin HOME),command line)
SERVER := $(HOME)
override HOME := $(shell eval echo "~$$(id -un)")
endif

# Before a target's own commands, so that nobody has to know about an environment.
RUNTIME := .venv/.runtime
TOOLS := .venv/.tools

.PHONY: help run test check bench format clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

run: $(RUNTIME)
ifdef SERVER
	@$(BIN)/toottail fetch "$(SERVER)"
else
	@$(BIN)/toottail demo
endif

test: $(TOOLS)
	$(BIN)/pytest -n 2 --dist loadfile

check: $(TOOLS)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(TOOLS)
	$(BIN)/python -m benchmarks.first_run
	$(BIN)/python -m benchmarks.large_thread
	$(BIN)/python -m benchmarks.dialects
	$(BIN)/python -m benchmarks.look_again
	$(BIN)/python -m benchmarks.scarcity
	$(BIN)/python -m benchmarks.living
	$(BIN)/python -m benchmarks.dispatch
	$(BIN)/python -m benchmarks.outages
	$(BIN)/python -m benchmarks.workers
	$(BIN)/python -m benchmarks.starvation
	$(BIN)/python -m benchmarks.web

format: $(TOOLS)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(RUNTIME): pyproject.toml constraints.txt scripts/make-venv
	@scripts/make-venv runtime
	@touch $@

$(TOOLS): pyproject.toml constraints.txt scripts/make-venv
	@scripts/make-venv tools
	@touch $@ $(RUNTIME)
