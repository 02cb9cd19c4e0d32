# Every command of the project; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help run test check format lint types imports bench lock install

BIN := .venv/bin

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Start everything on this machine; Ctrl-C stops it
	@sh deploy/local/install.sh local
	@exec $(BIN)/python -m deploy.local

test: install ## Run all tests, on a PostgreSQL and a RabbitMQ of their own (T=… chooses)
	$(BIN)/python -m pytest $(T)

check: format lint types imports ## Everything that needs no server: form, lint, types, imports

format: install ## Say what is not formatted (`ruff format` mends it)
	$(BIN)/ruff format --check .

lint: install ## Look for mistakes
	$(BIN)/ruff check .

types: install ## Check types, strictly
	$(BIN)/mypy

imports: install ## Check who may import whom
	$(BIN)/lint-imports

bench: install ## Measure, and print ratios (PART=… chooses)
	$(BIN)/python -m tests.bench $(PART)

lock: install ## Lock the newest allowed versions of all requirements, with hashes
	@for part in runtime local dev; do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-emit-index-url --no-emit-find-links \
	    requirements/$$part.in --output-file requirements/$$part.txt || exit 1; \
	done

install:
	@sh deploy/local/install.sh dev
