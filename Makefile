# Morning Memo. Every target sets up what it needs; all it takes is Python 3.11 or newer, make, and a network for the first run.
# Tools are always called as `.venv/bin/python -m …`: that works in a folder whose name holds a space.

PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
ARGS   ?=

CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome || true)
export CHROMIUM

.DEFAULT_GOAL := help
.PHONY: help install demo serve test test-unit judge lint types imports migrations licences check migrate bench plans settings email-docs catalogues lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

install: $(STAMP) ## Make .venv and install exactly what requirements.lock names

$(STAMP): requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Morning Memo needs Python 3.11 or newer; '$(PYTHON)' is: $$("$(PYTHON)" --version 2>&1)."; \
	  echo "Name another one: make install PYTHON=python3.12"; exit 1; }
	@test -x $(RUN) && $(RUN) -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV) && "$(PYTHON)" -m venv $(VENV); } || { \
	  rm -rf $(VENV); \
	  echo "Python cannot make virtual environments here. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@$(RUN) -m pip install --quiet --disable-pip-version-check uv
	@$(RUN) -m uv pip sync --quiet --compile-bytecode --python $(RUN) --require-hashes requirements.lock
	@$(RUN) -m uv pip install --quiet --python $(RUN) --no-deps --no-build-isolation --editable .
	@$(RUN) -m compileall -q service || true
	@touch $@

demo: $(STAMP) ## The whole service on this computer, with a sample newsroom: no account, no mail server needed
	@$(RUN) -m service demo $(ARGS)

serve: migrate ## The service as the settings (MEMO_*) say
	@$(RUN) -m service serve $(ARGS)

test: $(STAMP) ## Unit and service tests, and browser tests if a Chromium is found (or CHROMIUM=/path)
	@if [ -n "$$CHROMIUM" ]; then $(RUN) -m pytest $(ARGS); \
	 else echo "No Chromium found: the browser tests are left out. CHROMIUM=/path/to/it brings them in."; \
	 $(RUN) -m pytest tests/unit tests/service $(ARGS); fi

test-unit: $(STAMP) ## Only the tests that take seconds
	@$(RUN) -m pytest tests/unit $(ARGS)

judge: $(STAMP) ## What others say of our mail: html-validate, vnu, SpamAssassin, rspamd, mailauth (as root; says what is missing)
	@$(RUN) -m tests.judges

lint: $(STAMP) ## Style and formatting
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

types: $(STAMP) ## Types, strictly
	@$(RUN) -m mypy

imports: $(STAMP) ## Imports only go down
	@$(RUN) -c 'import sys; from importlinter.cli import lint_imports_command as run; sys.argv[0] = "lint-imports"; run()'

migrations: $(STAMP) ## The tables in the code are the tables that the migrations make
	@$(RUN) -m tests.unit.house.fresh_schema

licences: $(STAMP) ## What we run on may be run by anybody
	@$(RUN) -m tests.unit.house.licences

check: lint types imports migrations licences ## Everything that can be judged without running the service
	@$(RUN) -m pytest --quiet tests/unit/house $(ARGS)

migrate: $(STAMP) ## Bring the database that the settings name up to date
	@$(RUN) -m service migrate

bench: $(STAMP) ## How quickly messages leave here, beside other senders (docs/BENCH.md; needs postfix's smtp-sink)
	@$(RUN) -m bench $(ARGS)

plans: $(STAMP) ## What each statement of a send does on a million deliveries, on both databases (minutes)
	@$(RUN) -m bench.plans $(ARGS)

settings: $(STAMP) ## Write docs/settings.md anew from the settings' own descriptions
	@$(RUN) -m tests.unit.house.settings_page > docs/settings.md

email-docs: $(STAMP) ## Make the catalogue of blocks and the pictures in docs/email anew (needs a Chromium)
	@$(RUN) -m tests.support.email_docs

catalogues: $(STAMP) ## Bring the catalogues of service/languages in step with our own texts (ARGS=pt begins a language)
	@$(RUN) -m tests.support.catalogues $(ARGS)

lock: $(STAMP) ## Pin anew what pyproject.toml asks for (ARGS=--upgrade for newer versions)
	@$(RUN) -m uv pip compile --quiet --universal --generate-hashes --all-extras --no-header pyproject.toml -o requirements.lock $(ARGS)

clean: ## Remove what was built and tested; data under var/ stays
	rm -rf $(VENV) tests/judges/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find service tests alembic -name __pycache__ -type d -prune -exec rm -rf {} +
