# Everything a newcomer needs: `make demo` and `make test`. Each sets up what it needs; a second call is fast.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo
KILLS ?= 200
ERRORS ?= 2000
DELIVERIES ?= 10000
QUERIES ?= 2000
LIVES ?= 2000
SEED ?= 1
# Rooms of which at least 95% of lines and branches are tested; of all together as many as pyproject.toml says.
WHOLE := nightround/findings nightround/validation redcap_sync/logic redcap_sync/pulling

.PHONY: demo test check soak drill golden scores reference protocol docs lock fonts clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.run $(VENV)/.system ## three nights on the sandbox, and what to open afterwards
	$(BIN)/nightround demo --out $(OUT)

test: $(VENV)/.dev $(VENV)/.system ## all checks and all tests
	$(MAKE) --no-print-directory check
	$(BIN)/pytest -n 2 --dist worksteal --cov --cov-report=
	@for room in $(WHOLE); do \
		$(BIN)/coverage report --include="$$room/*" --format=total --fail-under=95 > /dev/null \
			|| { echo "$$room: less than 95% of its lines and branches are tested"; exit 1; }; \
	done

check: $(VENV)/.dev ## format, lint, types, import contract, dead code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/vulture

soak: $(VENV)/.dev ## 10,000 random runs of deliveries with faults, 2,000 sequences of calls for queries, 2,000 lives of findings, 200 kills of nights, each public project from init to report, 2,000 planted errors; DELIVERIES, QUERIES, LIVES, KILLS, ERRORS and SEED name others
	NIGHTROUND_SOAK_DELIVERIES=$(DELIVERIES) NIGHTROUND_SOAK_SEED=$(SEED) $(BIN)/pytest -s tests/property/test_delivery_faults.py
	NIGHTROUND_SOAK_QUERIES=$(QUERIES) NIGHTROUND_SOAK_SEED=$(SEED) $(BIN)/pytest -s tests/property/test_query_sequences.py
	NIGHTROUND_SOAK_LIVES=$(LIVES) $(BIN)/pytest tests/property/test_finding_lives.py
	NIGHTROUND_SOAK_KILLS=$(KILLS) NIGHTROUND_SOAK_SEED=$(SEED) $(BIN)/pytest -s tests/end_to_end/test_kill_drill.py
	NIGHTROUND_SOAK_PROJECTS=all $(BIN)/pytest tests/integration/test_init_command.py
	NIGHTROUND_SOAK_DRILL=$(ERRORS) NIGHTROUND_SOAK_SEED=$(SEED) $(BIN)/pytest -s tests/end_to_end/test_drill.py

drill: $(VENV)/.dev ## measure the shipped study with 2,000 planted errors again, and write docs/drill.md
	$(BIN)/python docs/write_drill.py

golden: $(VENV)/.dev $(VENV)/.system ## write the golden texts again; look at the difference before you commit it
	NIGHTROUND_WRITE_GOLDEN=1 $(BIN)/pytest -n 2 tests/golden

scores: $(VENV)/.dev ## write docs/scores.md again from the score library
	$(BIN)/python docs/write_scores.py > docs/scores.md.new
	mv docs/scores.md.new docs/scores.md

reference: $(VENV)/.dev ## write docs/settings.md and docs/plan.md again from the models that read the files
	$(BIN)/python docs/write_reference.py

protocol: $(VENV)/.dev ## write the table of the first study's protocol and its rules again
	$(BIN)/python docs/write_protocol.py > expectations/venous_occlusion/PROTOCOL.md.new
	mv expectations/venous_occlusion/PROTOCOL.md.new expectations/venous_occlusion/PROTOCOL.md

docs: $(VENV)-docs/.site ## build the documentation site with search in build/site
	$(VENV)-docs/bin/python docs/write_site.py build/pages
	NO_MKDOCS_2_WARNING=1 $(VENV)-docs/bin/mkdocs build --quiet --strict

lock: ## resolve the dependencies again, with hashes and without an index address
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		pyproject.toml --group build -o requirements/run.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		pyproject.toml --group build --group dev -c requirements/run.lock -o requirements/dev.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q \
		--group docs -o requirements/docs.lock

fonts: $(VENV)/.run ## build the bundled font family again from Debian's packages
	$(BIN)/python report_templates/fonts/build.py

clean: ## remove what the other targets made
	rm -rf $(VENV) $(VENV)-docs $(OUT) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@PYTHON="$(PYTHON)" sh docker/setup/python.sh "$(VENV)"

$(VENV)/.run: requirements/run.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

# The site has tools of its own, so that they never meet the program's.
$(VENV)-docs/.site: requirements/docs.lock
	@PYTHON="$(PYTHON)" sh docker/setup/python.sh "$(VENV)-docs"
	$(VENV)-docs/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.lock
	@touch $@

# The PDF needs two system libraries; they are installed by apt where that is possible, else named.
$(VENV)/.system: | $(VENV)/bin/python
	@sh docker/setup/pango.sh
	@touch $@
