# Every command that the README names. `make` alone lists them.

PYTHON ?= python3
OLDEST_PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
NODE := PATH="$(CURDIR)/$(BIN):$$PATH" # .venv brings Node and npm
UNFINISHED := $(VENV)/.unfinished

.DEFAULT_GOAL := help
.PHONY: help app test test-oldest check format bench docs wheel lock clean browser

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 \t/p' $(MAKEFILE_LIST)
	@echo '  PYTHON=python3.12 picks the Python of $(VENV), PORT=8600 the port of app, ARGS="..." is passed to test and bench'

app: $(VENV)/.app ## install what the page needs and open it
	@$(BIN)/cnnfix app $(if $(PORT),--port $(PORT))

test: $(VENV)/.dev browser ## install what the tests need, a browser included, and run them all
	@$(BIN)/python -m pytest -n 2 --dist loadfile --durations 10 $(ARGS)

test-oldest: ## test the core with the oldest versions that pyproject.toml allows, in a .venv-oldest of their own
	$(OLDEST_PYTHON) -m venv $(OLDEST)
	@mkdir -p build
	$(OLDEST)/bin/python tools/oldest.py > build/oldest.txt
	$(OLDEST)/bin/python -m pip install --quiet --constraint build/oldest.txt -e '.[methods,models]' pytest hypothesis
	$(OLDEST)/bin/python -m pytest -m 'not slow' tests/engine tests/explanations tests/images tests/metrics tests/regions $(ARGS)

check: $(VENV)/.dev node_modules/.done ## lint, formatting, types, and known holes in what is locked
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(NODE) npm run --silent lint
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	$(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip --progress-spinner off

format: $(VENV)/.dev ## put the code into the form that check wants
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.app ## measure speed on this machine
	@$(BIN)/python benchmarks/speed.py $(ARGS)

docs: $(VENV)/.dev ## build the documentation as a site, into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo 'Open build/site/index.html'

wheel: $(VENV)/.app ## build the wheel and try it in an empty environment
	rm -rf dist build/empty
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv build/empty
	build/empty/bin/python -m pip install --quiet "$$(echo dist/*.whl)[app]"
	cd build && empty/bin/cnnfix --version && empty/bin/cnnfix compare cat --figure cat.png

lock: $(VENV)/.app ## write requirements.lock anew
	$(BIN)/python tools/lock.py

clean: ## remove what runs leave behind; .venv stays
	rm -rf build dist tests/.out .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name $(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -r {} +

$(VENV)/.app: pyproject.toml
	$(call install,'.[app]')
	@touch $@

$(VENV)/.dev: pyproject.toml
	$(call install,'.[dev]')
	@touch $(VENV)/.app $@

node_modules/.done: package-lock.json | $(VENV)/.dev
	$(NODE) npm ci --loglevel error
	@touch $@

# An install that was cut short leaves packages that look whole to pip. So when one began, never ended, and had
# already written something, or when there is no working .venv at all, .venv is made from nothing.
define install
@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo 'Python 3.11 or newer with its venv module is needed (Debian: apt-get install python3-venv);' \
		'another Python can be named: make $(MAKECMDGOALS) PYTHON=python3.12' >&2; exit 1; }
@set -- $(VENV)/lib/python3*/site-packages; \
	if test -e $(UNFINISHED) && test "$$1" -nt $(UNFINISHED) || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		echo 'Making $(VENV)'; $(PYTHON) -m venv --clear $(VENV); \
	fi
@touch $(UNFINISHED)
$(BIN)/python -m pip install -e $(1)
@rm $(UNFINISHED)
endef

# A browser that is there is used; else Debian's, where that can be installed; else Playwright's own.
browser: $(VENV)/.dev
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit; done; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium && exit; \
	fi; \
	$(BIN)/python -m playwright install chromium
