# `make help` says what there is. Two targets matter: `make demo` shows the program at work, `make test` says whether a change is right.
PYTHON ?= python3
# With LOWEST=1: the oldest libraries that pyproject.toml allows, in an environment of their own.
VENV := $(if $(LOWEST),.venv-lowest,.venv)
BIN := $(VENV)/bin
CONSTRAINTS ?= constraints.txt
INSTALL := $(if $(LOWEST),$(BIN)/uv pip install --python $(BIN)/python --quiet --resolution lowest-direct,$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS))

.PHONY: help demo dev check quick test coverage crash replay bench words example constraints release clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" $(if $(LOWEST),uv)
	$(INSTALL) --editable .
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(INSTALL) --group dev
	@./tests/install-browser
	touch $@

demo: $(VENV)/.ready ## an invented newsletter, sent into a folder; nothing leaves this machine
	$(BIN)/digest demo

demo/digest.toml: | $(VENV)/.ready
	$(BIN)/digest demo

dev: $(VENV)/.ready-dev demo/digest.toml ## the pages with the demo's newsletter, again at each change of a file
	$(BIN)/watchfiles "$(BIN)/digest --config demo/digest.toml serve" digest templates

check: $(VENV)/.ready-dev ## style, types, who imports whom
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy --strict digest
	$(BIN)/lint-imports --no-cache

quick: check ## check, and every test that needs no server and no browser: a minute
	$(BIN)/pytest -n 2 --quick

test: check ## all of it; what CI runs
	$(BIN)/pytest -n 4 --dist worksteal

coverage: $(VENV)/.ready-dev ## how much of each room the quick tests run; fails below its floor
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --quick
	$(BIN)/coverage combine --quiet
	$(BIN)/python -m tests.floors

crash: $(VENV)/.ready-dev ## pull the plug a thousand times (`make test` does 200 kills)
	DIGEST_CRASH_RUNS=$${DIGEST_CRASH_RUNS:-25} $(BIN)/pytest tests/crash

replay: $(VENV)/.ready-dev ## twelve years of a real site on both databases, for a thousand readers
	DIGEST_REPLAY_READERS=$${DIGEST_REPLAY_READERS:-1000} DIGEST_REPLAY_WEEKS=$${DIGEST_REPLAY_WEEKS:-0} \
		$(BIN)/pytest -s tests/scenarios/test_twelve_years.py tests/scenarios/test_own_twelve_years.py

bench: $(VENV)/.ready-dev ## what everything costs
	$(BIN)/python -m benchmarks

words: $(VENV)/.ready-dev ## new phrases into the catalogues of templates/words; then translate what is empty
	$(BIN)/pybabel -q extract --mapping-file templates/words/babel.cfg --add-location file --sort-by-file --omit-header \
		--width 110 --output-file templates/words/digest.pot .
	for each in templates/words/*.po; do \
		$(BIN)/pybabel -q update --locale $$(basename $$each .po) --input-file templates/words/digest.pot --output-file $$each \
			--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 110; done
	sed -i.old -E '/^"(Project-Id|Report-Msgid|POT-Creation|PO-Revision|Last-Translator|Language-Team|Generated-By)/d' templates/words/*.po
	rm templates/words/*.old

example: $(VENV)/.ready ## write config.example.toml from the declarations
	$(BIN)/digest config example > config.example.toml

constraints: ## write constraints.txt anew, with the newest versions
	.ci/constraints

release: $(VENV)/.ready-dev ## test, build and tag the version that digest/__init__.py says
	.ci/release $(BIN)

clean: ## remove what was made
	rm -rf .venv .venv-lowest demo build dist
