# Waymark
#
# Every step leaves a stamp and runs again only when its inputs changed, so that a second `make run` starts
# at once. `make help` lists what there is.

HOST ?= 127.0.0.1
PORT ?= 8000
export HOST PORT

# Where a machine forbids Python to keep what it compiled, each process of a run compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
MADE := .venv/made
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps
NPM := cd pwa && PATH="$(CURDIR)/.node/bin:$$PATH" npm
PYTEST := $(BIN)/python -m pytest --durations 10

CATALOGS := $(wildcard server/i18n/*.py) $(shell find server/i18n/locale -name "*.po" 2>/dev/null)
APP := $(shell find pwa -type f -not -path 'pwa/node_modules/*' -not -path 'pwa/dist/*' 2>/dev/null) server/web/static/tokens.css

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run setup traces test test-quick test-server test-changed test-room test-browser test-long test-load test-cluster test-failover \
	explore fuzz audit browsers cluster check bench lock \
	clean migrate coverage check-format check-lint check-types check-app check-words check-migrations check-locks check-docs

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# Without `migrate`: the demo migrates by itself, and a start is to be quick.
run: $(MADE)/app ## Set everything up and serve the demo agency (HOST, PORT; DEMO=fast for a rhythm of seconds)
	@# `exec`, so that a signal reaches the server itself.
	@exec $(BIN)/waymark demo --serve $(if $(filter fast,$(DEMO)),--fast)

setup: $(MADE)/app migrate ## Set everything up without serving

# --- The set-up -----------------------------------------------------------------------------------

$(MADE)/venv:
	@for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "$$python has no venv. On Debian: sudo apt-get install python3-venv"; exit 1; }; \
		"$$python" -m venv .venv && mkdir -p $(MADE) && touch $@ && exit 0; exit 1; \
	done; echo "Waymark needs Python 3.11 or later, with venv, on the PATH."; exit 1

$(MADE)/packages: requirements.txt | $(MADE)/venv
	@echo "Installing the packages (about 15 seconds) ..."
	@$(PIP) -r requirements.txt
	@touch $@

# Editable, from what is already installed: nothing is fetched for the build.
$(MADE)/waymark: pyproject.toml $(MADE)/packages
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(MADE)/dev: requirements-dev.txt $(MADE)/waymark
	@echo "Installing what tests and checks need (about 15 seconds) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@

# One catalog per language for server and phone: the phone gets the part of it that it says.
$(MADE)/words: $(CATALOGS) $(shell find pwa/src -name '*.ts*' 2>/dev/null) $(MADE)/waymark
	@$(BIN)/python -m tools.catalogs compile
	@$(BIN)/python -m tools.catalogs pwa pwa/src/locale
	@touch $@

$(MADE)/npm: $(wildcard pwa/package.json pwa/package-lock.json pwa/.npmrc) tools/node.py \
		requirements-node.txt $(MADE)/waymark
	@$(BIN)/python -m tools.node
	@$(if $(wildcard pwa/package.json),echo "Installing the packages of the app ..." \
		&& $(NPM) ci --no-audit --no-fund --loglevel=error)
	@touch $@

$(MADE)/app: $(APP) $(MADE)/npm $(MADE)/words
	@$(if $(wildcard pwa/package.json),echo "Building the app ..." \
		&& $(NPM) run --silent build -- --logLevel warn)
	@touch $@

# Always asked: which database it is, and what is in it, no stamp can know.
migrate: $(MADE)/waymark
	@$(BIN)/waymark migrate

# Off until OTEL_TRACES_EXPORTER=otlp.
traces: $(MADE)/waymark requirements-traces.txt ## Install what traces need (OpenTelemetry)
	@$(PIP) -r requirements-traces.txt

# --- Tests ----------------------------------------------------------------------------------------

test: test-server test-browser test-long test-load ## Test it all: on SQLite, on PostgreSQL, in real browsers

# Three on two cores: tests wait for PostgreSQL, or for a browser, half of the time.
SIDE_BY_SIDE = -n 3 --dist worksteal

test-quick: $(MADE)/dev $(MADE)/app ## The server and the tools without slow tests, each on one of the two databases
	$(PYTEST) $(SIDE_BY_SIDE) -m "not browser and not load and not long and not slow" --databases turns $(ARGS)

test-server: $(MADE)/dev $(MADE)/app ## The same with slow tests, each on both databases
	$(PYTEST) $(SIDE_BY_SIDE) -m "not browser and not load and not long" $(ARGS)

test-room: $(MADE)/dev $(MADE)/app ## One room or file without browsers: ROOM=people, ROOM=test_docs.py, ROOM=walks/test_week.py
	$(PYTEST) -n 2 --dist worksteal -m "not browser and not load and not long" $(or $(ROOM:%=tests/%),$(error ROOM=people)) $(ARGS)

test-changed: $(MADE)/dev $(MADE)/app ## What a change can affect, by its imports, since SINCE=main
	@files="$$($(BIN)/python -m tools.changed $(or $(SINCE),main))" || exit 1; \
	[ -n "$$files" ] || { echo "Nothing has changed."; exit 0; }; \
	exec $(PYTEST) -n 2 --dist worksteal -m "not browser and not load and not long" $$files $(ARGS)

test-browser: $(MADE)/dev $(MADE)/app browsers ## In real browsers
	$(PYTEST) $(SIDE_BY_SIDE) -m "browser and not load" $(ARGS)

test-long: $(MADE)/dev $(MADE)/app ## What takes a minute and more: many rows, and processes that are killed
	$(PYTEST) $(SIDE_BY_SIDE) -m "long" $(ARGS)

# One test after the other: each has the machine alone.
test-load: $(MADE)/dev $(MADE)/app browsers ## What is timed
	$(PYTEST) -m load $(ARGS)

# By their file, which no other target finds: they need Debian's packages, minutes and most of the machine.
test-cluster: $(MADE)/dev $(MADE)/words cluster ## A database cluster: five fail-overs under load, and a recovery (≤ 12 minutes)
	$(PYTEST) tests/cluster/failing_over.py -s $(ARGS)

test-failover: $(MADE)/dev $(MADE)/words cluster ## A hundred fail-overs, by hand (about two hours; KEEP=folder for the history)
	@exec $(BIN)/python -m tests.cluster run --fail-overs 100 --others 20 --seed $(or $(SEED),1) $(if $(KEEP),--keep $(KEEP))

explore: $(MADE)/dev $(MADE)/app ## Draw new examples for a time (MINUTES=60) and print what breaks, ready to pin
	@exec $(BIN)/python -m tests.explore --minutes $(or $(MINUTES),10) $(ARGS)

fuzz: $(MADE)/dev ## Change what decoders take, for a time each (SECONDS=10), and print what breaks, ready to pin
	@exec $(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),10) $(ARGS)

coverage: $(MADE)/dev $(MADE)/app ## The quick tests, and which branches they took
	$(PYTEST) -n 2 --dist worksteal -m "not browser and not load and not long" --cov $(ARGS)

browsers: $(MADE)/venv
	@$(BIN)/python -m tools.browsers

cluster: $(MADE)/venv
	@$(BIN)/python -m tests.cluster.packages

bench: $(MADE)/dev $(MADE)/app ## The benchmarks: a table, and var/bench.json for programs
	@exec $(BIN)/python -m tests.bench $(ARGS)

# --- Checks ---------------------------------------------------------------------------------------

check: check-format check-lint check-types check-app check-words check-migrations check-locks check-docs ## Format, lint, types, words, migrations, locks, pages

check-format: $(MADE)/dev
	$(BIN)/ruff format --check .

check-lint: $(MADE)/dev
	$(BIN)/ruff check .

check-types: $(MADE)/dev
	$(BIN)/mypy

check-app: $(MADE)/npm $(MADE)/words
	$(NPM) run --silent check

check-words: $(MADE)/dev
	$(BIN)/python -m tools.catalogs check

check-migrations: $(MADE)/dev
	$(BIN)/python -m tools.migrations check

check-locks: $(MADE)/dev
	$(BIN)/python -m tools.locks check
	$(BIN)/python -m pip --disable-pip-version-check check

check-docs: $(MADE)/dev
	$(BIN)/python -m tools.docs check

# Ends with 3 where the database of vulnerabilities does not answer: that is not a clean result. (make itself
# ends with 2 whatever failed, so .ci/run asks the tool.)
audit: $(MADE)/dev ## Look every pinned package up among the known vulnerabilities (needs the network)
	@exec $(BIN)/python -m tools.audit $(ARGS)

# --- The rest -------------------------------------------------------------------------------------

lock: $(MADE)/venv ## Write the locks anew from pyproject.toml and pwa/package.json (UPGRADE=1: newest versions)
	@[ -x $(BIN)/uv ] || $(PIP) -r requirements-dev.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.locks write $(if $(UPGRADE),--upgrade)
	@$(BIN)/python -m tools.node
	$(NPM) $(if $(UPGRADE),update,install) --package-lock-only --no-audit --no-fund

clean: ## Remove all that was made, except the data in var/
	rm -rf .venv .node pwa/node_modules pwa/dist build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov
	find server migrations tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
	find server -name '*.mo' -delete
