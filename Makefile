# Everything a person or CI does here is one of these words. The first run of each sets up what it needs.

.DEFAULT_GOAL := help
.PHONY: help install demo test namespaces faults crash chaos simulate fuzz lint secrets audit check docs bench lock clean
# Twice quiet: errors only, not what pip thinks of the machine's package sources.
PIP := .venv/bin/python -m pip -qq --disable-pip-version-check --no-input

help:
	@echo "make install   set up .venv with Dragoman in it (.venv/bin/dragoman)"
	@echo "make demo      start everything and play a conversation (ONCE=1: print the transcript and stop)"
	@echo "make test      run every test"
	@echo "make namespaces cut a worker off in a network namespace of its own (as root)"
	@echo "make faults    full disks, a backlog of 100,000, long races (as root)"
	@echo "make crash     kill the server at every named point of every scenario (10 minutes)"
	@echo "make chaos     10,000 messages, 200 kills, PostgreSQL restarted meanwhile (6 minutes)"
	@echo "make simulate  20,000 seeds of the simulation, on every core (SEEDS=500: fewer; SEED=123: one, with its story; BUG: with a planted bug in)"
	@echo "make fuzz      hostile inputs for every reader, until stopped (or FUZZ_SECONDS=60)"
	@echo "make lint      ruff, mypy and the import contracts"
	@echo "make secrets   look for secrets in every file (what CI runs, too)"
	@echo "make audit     ask for known holes in every locked package"
	@echo "make check     lint and test: what CI runs"
	@echo "make docs      write the tables of docs/operations.md that come from the code"
	@echo "make bench     every figure of docs/performance.md, beside its peers (about ten minutes; ONLY=closed: one scenario)"
	@echo "make lock      resolve requirements.lock and requirements-dev.lock again"
	@echo "make clean     remove .venv and what tools left behind (never .dragoman, which holds data)"

install: .venv/installed
	@echo "Dragoman is set up: .venv/bin/dragoman (try: make demo)"

demo: .venv/installed
	@.venv/bin/dragoman demo $(if $(filter-out 0,$(ONCE)),--once)

test: .venv/installed-dev
	.venv/bin/pytest -n auto --dist worksteal

namespaces: .venv/installed-dev
	.venv/bin/pytest -m machines tests/stories/test_two_machines.py

# In a mount namespace of its own: no small disk is left behind, whatever happens.
faults: .venv/installed-dev
	unshare --mount --propagation private .venv/bin/pytest -m machines tests/faults
	RACE_ROUNDS=1000 .venv/bin/pytest tests/faults/test_at_once.py

crash: .venv/installed-dev
	CRASH_PASSES=3 .venv/bin/pytest -n auto tests/crash/test_scenarios.py

chaos: .venv/installed-dev
	.venv/bin/python -m tests.crash.chaos

simulate: .venv/installed-dev
	SEED=$(SEED) .venv/bin/python -m tests.simulation.simulate $(SEEDS)

# Inputs for the readers of what strangers write, until stopped or for FUZZ_SECONDS; what is new is kept in tests/fixtures/fuzz.
fuzz: .venv/installed-dev
	PYTHONPATH=.:tests/whatsapp .venv/bin/python -m tests.fuzz

lint: .venv/installed-dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

secrets: .venv/installed-dev
	.venv/bin/python -m tests.project.secrets

# In an environment of its own, because its tool wants a pip of its own choice.
audit: .venv/audit/installed
	@scripts/audit

.venv/audit/installed: .venv/bin/python requirements-audit.lock
	@.venv/bin/python -m venv --clear .venv/audit
	@.venv/audit/bin/python -m pip -qq --disable-pip-version-check --no-input install --require-hashes -r requirements-audit.lock
	@touch $@

check: lint test

docs: .venv/installed-dev
	.venv/bin/python -m tests.project.tables

bench: .venv/installed bench/.venv/installed
	.venv/bin/python bench/run.py $(ONLY)

bench/.venv/installed: .venv/bin/python bench/requirements.txt
	.venv/bin/python -m venv --clear bench/.venv
	bench/.venv/bin/python -m pip -qq --disable-pip-version-check --no-input install -r bench/requirements.txt
	@touch $@

lock: .venv/installed-dev
	$(PIP) install pip-tools
	scripts/lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@python=$$(scripts/find-python) && echo "Setting up .venv with $$python ..." && "$$python" -m venv --clear .venv

# The project itself is installed in place: the program runs the files you edit.
.venv/installed: .venv/bin/python requirements.lock pyproject.toml
	@echo "Installing Dragoman into .venv (under a minute on a usual line) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	@echo "Installing the test tools ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
