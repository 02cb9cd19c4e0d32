# Every command of the project; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help run test test-fast check format lint types imports bench coverage docs site openapi asyncapi event-catalogue api-document api-examples swagger-ui htmx screenshots messages settings ext-authz alerts chart images cluster cluster-drill release lock install

# Bytecode is kept even where the surroundings say otherwise, as in images of Python: else every process
# compiles all of our modules again, and pytest rewrites all of the tests.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
# Processes that run tests beside each other, each with servers of its own (150 MB). Tests wait often:
# three keep two cores busy.
WORKERS := 3
SPHINX := $(BIN)/sphinx
SITE := -c docs -d .local/doctrees . .local/site
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Start everything on this machine; Ctrl-C stops it
	@sh deploy/local/install.sh local
	@exec $(BIN)/python -m deploy.local

test: install ## Run all tests, on servers of their own (T=… chooses, WORKERS=0 for one process)
	$(PYTEST) $(T)

test-fast: install ## Run what takes about a minute: units, and one thread through everything
	$(PYTEST) tests/unit tests/integration/test_thread.py

coverage: install ## Measure the branch coverage of `shared` and of the gateway's decisions (T=… chooses tests)
	$(PYTEST) --cov --cov-report=term:skip-covered $(or $(T),tests/unit tests/integration)

check: format lint types imports site ## Everything that needs no server: form, lint, types, imports, documents

format: install ## Say what is not formatted (`ruff format` mends it)
	$(BIN)/ruff format --check .

lint: install ## Look for mistakes
	$(BIN)/ruff check .

types: install ## Check types, strictly
	$(BIN)/mypy

imports: install ## Check who may import whom
	$(BIN)/lint-imports

site: install ## Build the documentation into .local/site, without the network, and check its links
	$(SPHINX)-build -q -E -W --keep-going $(SITE)

docs: install ## Serve the documentation at http://127.0.0.1:8000, and build it again when it changes
	$(SPHINX)-autobuild -q --port 8000 --ignore '.[a-z]*/*' $(SITE)

bench: install ## Measure, and print ratios (PART="a b" chooses, PART=-h lists)
	$(BIN)/python -m tests.bench $(PART)

openapi: install ## Print the API document (OpenAPI 3.1)
	@$(BIN)/python -m deploy.openapi

asyncapi: install ## Print the document of all events (AsyncAPI 3)
	@$(BIN)/python -m deploy.asyncapi

event-catalogue: install ## Write the AsyncAPI document, the schemas and the catalogue of events
	$(BIN)/python -m deploy.asyncapi --write

alerts: install ## Copy the alert rules to where Kubernetes reads them
	$(BIN)/python -m deploy.alert_rules

chart: install ## Make the Helm chart of the kustomize manifests, and let Helm check it
	$(BIN)/python -m deploy.helm

api-document: install ## Write the API document that the gateway shows
	$(BIN)/python -m deploy.openapi --write

api-examples: install ## Record the examples of the API document from services that run
	BARONG_RECORD_EXAMPLES=1 $(BIN)/python -m pytest tests/integration/test_examples.py
	$(BIN)/python -m deploy.openapi --write

swagger-ui: install ## Fetch the pinned version of what renders the API document (npm, network)
	$(BIN)/python -m deploy.openapi.swagger_ui

htmx: install ## Fetch the pinned version of the script of the pages (npm, network)
	$(BIN)/python -m deploy.htmx

screenshots: install ## Take the pictures of the pages that the documentation shows
	BARONG_RECORD_SCREENSHOTS=1 $(BIN)/python -m pytest tests/interop/pages -k axe

messages: install ## Write every text of the pages into their catalogues of translations
	$(BIN)/python -m console_svc messages

ext-authz: install ## Generate the messages of Envoy's external authorization
	cd services/authz-gateway/src && ../../../$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. \
	  authz_gateway/ext_authz/messages.proto

settings: install ## Write docs/operators/settings.md, the reference of every setting
	$(BIN)/python -m deploy.settings_reference --write

images: install ## Build every image and check it, where a container engine can be had (ARGS="--tag …")
	$(BIN)/python -m deploy.images $(ARGS)

release: install ## Build everything that a release hands out, from a clean clone (ARGS="--images")
	$(BIN)/python -m deploy.release $(ARGS)

cluster: install ## Apply both overlays and the chart to a real API server, where one can be had (root, Go, apt)
	$(BIN)/python -m deploy.cluster

cluster-drill: install ## Replace, kill and take away every part of a real cluster under load (ARGS="--write")
	$(BIN)/python -m deploy.cluster drill $(ARGS)

lock: install ## Lock the newest allowed versions of all requirements, with hashes
	@for part in compile runtime authz-gateway console-svc identity-svc mailer-svc oauth-svc resource-svc \
	  migrations local dev kustomize; do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-emit-index-url --no-emit-find-links \
	    requirements/$$part.in --output-file requirements/$$part.txt || exit 1; \
	done

install:
	@sh deploy/local/install.sh dev
