# Two commands matter: `make demo` shows the program at work, `make test` says whether a change is right.
# `make crash` pulls the plug a thousand times (DIGEST_CRASH_RUNS=25 seeds; `make test` does 200 kills with 5).
# `make replay` sends twelve years of a real site on both databases, and plans them for a thousand readers of their own.
# `make words` writes new phrases into the catalogues of templates/words; then translate what is empty.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check crash replay bench words clean

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --group dev
	@./tests/install-browser
	touch $@

demo: $(VENV)/.ready
	$(BIN)/digest demo

check: $(VENV)/.ready-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy --strict digest
	$(BIN)/lint-imports --no-cache

test: check
	$(BIN)/pytest -n 4 --dist worksteal

crash: $(VENV)/.ready-dev
	DIGEST_CRASH_RUNS=$${DIGEST_CRASH_RUNS:-25} $(BIN)/pytest tests/crash

replay: $(VENV)/.ready-dev
	DIGEST_REPLAY_READERS=$${DIGEST_REPLAY_READERS:-1000} DIGEST_REPLAY_WEEKS=$${DIGEST_REPLAY_WEEKS:-0} \
		$(BIN)/pytest -s tests/scenarios/test_twelve_years.py tests/scenarios/test_own_twelve_years.py

bench: $(VENV)/.ready-dev
	$(BIN)/python -m benchmarks

words: $(VENV)/.ready-dev
	$(BIN)/pybabel -q extract --mapping-file templates/words/babel.cfg --add-location file --sort-by-file --omit-header \
		--width 110 --output-file templates/words/digest.pot .
	for each in templates/words/*.po; do \
		$(BIN)/pybabel -q update --locale $$(basename $$each .po) --input-file templates/words/digest.pot --output-file $$each \
			--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 110; done
	sed -i.old -E '/^"(Project-Id|Report-Msgid|POT-Creation|PO-Revision|Last-Translator|Language-Team|Generated-By)/d' templates/words/*.po
	rm templates/words/*.old

clean:
	rm -rf $(VENV) demo build dist
