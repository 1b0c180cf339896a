# City311. `make` lists what there is. Settings are environment variables or arguments:
# make run CITY=../ourtown CITY311_PORTAL_PORT=8080
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help run test test-quick train tune eval lint format check bench shell lock clean environments development browser

SERVICES := .venv/bin/python
DIALOGUE := .venv-dialogue/bin/python
CITY311 := $(SERVICES) -m city311
# Arguments for pytest: make test ARGS="-k pothole -x"
ARGS ?=
# Of `make shell`, on loopback; the dialogue of `make run` has its own
SHELL_PORT ?= 5006
# make lock UPGRADE=--upgrade takes the newest versions instead of keeping those of the lock files
UPGRADE ?=

# Any Python from 3.6 on will do to start with: deploy/environments.py then looks for the two that are needed.
define with_any_python
for python in python3 python python3.14 python3.13 python3.12 python3.11 python3.10 \
	/usr/bin/python3 /usr/local/bin/python3 /opt/homebrew/bin/python3; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; then \
		exec $$python deploy/environments.py $(1); fi; done; \
if uv --version >/dev/null 2>&1; then exec uv run --quiet --no-project python deploy/environments.py $(1); fi; \
echo 'City311 needs Python: 3.10 for dialogue, and 3.11 or newer for the rest. Here is none at all.' >&2; \
echo 'Install uv (it then gets both by itself), or Python from your system (Debian/Ubuntu: sudo apt install' >&2; \
echo 'python3 python3-venv; Fedora: sudo dnf install python3; macOS: brew install python), then try again.' >&2; \
exit 1
endef

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: environments ## Start everything: environments, database, model, dialogue, actions, portal
	@exec $(CITY311) run

test: development browser ## Run the whole suite, with coverage
	@exec $(SERVICES) tests/suite.py $(ARGS)

test-quick: development ## Run the unit and contract tests only
	@exec $(SERVICES) tests/suite.py --quick $(ARGS)

train: environments ## Train the model, if something it depends on has changed
	@exec $(CITY311) train

tune: environments ## Tune the encoder's second look at danger anew, when many examples have come (half an hour)
	@TF_CPP_MIN_LOG_LEVEL=3 exec $(DIALOGUE) -W ignore -m city311.dialogue.nlu.tuning

eval: environments ## Print how well residents are understood, and write a page with every confusion (ARGS=--help)
	@model=$$($(CITY311) train) && exec $(DIALOGUE) -W ignore -m bench.eval --model "$$model" $(ARGS)

lint: development ## Check style, types, the layers of the house and the city pack
	$(SERVICES) -m ruff check .
	$(SERVICES) -m ruff format --check .
	$(SERVICES) -m mypy
	.venv/bin/lint-imports
	$(CITY311) check

format: development ## Put the code into the house's form
	$(SERVICES) -m ruff check --fix .
	$(SERVICES) -m ruff format .

check: environments ## Check the city pack (CITY=folder): file, line, remedy
	@exec $(CITY311) check

bench: development ## Print the figures that the README quotes
	@exec $(SERVICES) -m bench

shell: environments ## Talk to the assistant in the terminal, as `rasa shell` (`make run` must run elsewhere)
	@model=$$($(CITY311) train) && RASA_TELEMETRY_ENABLED=false SQLALCHEMY_SILENCE_UBER_WARNING=1 \
		exec $(DIALOGUE) -m rasa shell --model "$$model" --endpoints endpoints.yml --credentials credentials.yml \
		--interface 127.0.0.1 --port $(SHELL_PORT)

lock: development ## Compile requirements/*.lock from pyproject.toml (UPGRADE=--upgrade for newer versions)
	@uv=$$($(SERVICES) deploy/environments.py --print-uv) && \
	compile="$$uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url $(UPGRADE)" && \
	$$compile pyproject.toml --group dialogue --python-version 3.10 --universal -o requirements/dialogue.lock && \
	$$compile pyproject.toml --group services --python-version 3.11 --universal -o requirements/services.lock && \
	$$compile pyproject.toml --group development -c requirements/services.lock --python-version 3.11 --universal \
		-o requirements/development.lock && \
	$$compile requirements/uv.in --python-version 3.8 --universal -o requirements/uv.lock

clean: ## Remove what was made from the code: models, caches, logs, results (not environments, databases, secrets)
	rm -rf models .rasa results var/log var/test-results .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

environments:
	@$(call with_any_python)

development:
	@$(call with_any_python,--development)

browser:
	@sh deploy/browser.sh
