.DEFAULT_GOAL := help
SHELL := /bin/bash -o pipefail

# verify removes what is generated and builds it again; nothing may compile meanwhile.
.NOTPARALLEL:

# The tools are pinned in modules of their own, so that the program's go.sum does not carry them. None of them needs a C compiler this way.
TOOL     := CGO_ENABLED=0 go tool -modfile=internal/tools
GENERATE := $(TOOL)/generate/go.mod
CHECK    := $(TOOL)/check/go.mod
CONTRACT := $(TOOL)/contract/go.mod
MODULES  := . internal/tools/check internal/tools/contract internal/tools/generate

# The race detector wants a C compiler, without which the tests run all the same.
RACE = $(shell test "$$(go env CGO_ENABLED)" = 1 && command -v "$$(go env CC)" >/dev/null && echo -race)

# How long each fuzz target runs.
FUZZTIME ?= 10s

.PHONY: help
help: ## this list
	@grep -hE '^[a-z/-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-24s %s\n", $$1, $$2}'

.PHONY: run build
run: build ## build and serve the demonstration enterprise from the embedded database in .data/
	@DATA_DIR="$${DATA_DIR:-$(CURDIR)/.data}" exec bin/wechat-customers serve --demo

build: ## bin/wechat-customers
	go build -trimpath -o bin/ ./cmd/wechat-customers

.PHONY: test test-mysql fuzz
test: ## all tests, on MariaDB 10.11 (where it cannot be had, on the machine's own server); with the race detector where there is a C compiler
	go test $(RACE) ./...

test-mysql: ## the same tests on MariaDB 11.8 and MySQL 9.7 (no race detector: a race is not the server's)
	TEST_ENGINE=mariadb-11.8 go test ./...
	TEST_ENGINE=mysql-9.7 go test ./...

fuzz: ## every fuzz target for FUZZTIME (10s)
	@bash internal/tools/check/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ## measure the list on a million follows, MariaDB and MySQL; BENCH_ROWS, BENCH_ONLY and others: docs/performance.md
	@go test -run '^$$' -bench '^BenchmarkRequestPath$$' ./internal/httpapi
	@go run ./cmd/bench

.PHONY: sqlmap
sqlmap: build ## sqlmap (of Debian) against the demonstration: fails where it gets a statement in; a minute or two
	@bash internal/tools/check/sqlmap.sh bin/wechat-customers

.PHONY: generate generate/go generate/sql generate/ts
generate: generate/go generate/sql generate/ts ## rebuild everything in gen/

generate/go: ## the server stubs, the models and the Go client, from api/openapi.yaml
	@mkdir -p gen/api gen/client
	$(GENERATE) oapi-codegen -config oapi-codegen.yaml api/openapi.yaml
	$(GENERATE) oapi-codegen -config api/client/oapi-codegen.yaml api/openapi.yaml

generate/sql: ## the typed queries, from db/
	rm -f gen/db/*.go
	$(GENERATE) sqlc generate

generate/ts: api/ts/node_modules/.package-lock.json ## the TypeScript types, from api/openapi.yaml
	@mkdir -p gen/ts
	cd api/ts && npx --no-install openapi-typescript ../openapi.yaml --array-length --output ../../gen/ts/schema.d.ts

api/ts/node_modules/.package-lock.json: api/ts/package.json api/ts/package-lock.json
	cd api/ts && npm ci
	@touch $@

.PHONY: verify verify/go verify/sql verify/ts verify/tidy verify/spec verify/breaking verify/vet verify/vulnerabilities lint
verify: verify/tidy verify/spec verify/breaking verify/ts verify/web verify/go verify/sql verify/vet lint verify/vulnerabilities ## everything below but the tests

# Generated from nothing and then over itself, the committed files must come out both times (the pages, which take longest, once). New and forgotten files count too.
regenerated = @rm -rf $(2) \
	&& for i in $(or $(3),1 2); do $(MAKE) --no-print-directory $(1) && changed=$$(git status --porcelain --untracked-files=all -- $(2)) || exit 1; \
	if [ -n "$$changed" ]; then git --no-pager diff --stat -- $(2); echo "make $(1), time $$i, is not what is committed:"; echo "$$changed"; exit 1; fi; done

verify/go: ## gen/api and gen/client are what make generate/go makes
	$(call regenerated,generate/go,gen/api gen/client)

verify/sql: ## gen/db is what make generate/sql makes
	$(call regenerated,generate/sql,gen/db)

# Installing builds the client on gen/ts, so it comes before gen/ts is removed.
verify/ts: api/ts/node_modules/.package-lock.json ## gen/ts is what make generate/ts makes
	$(call regenerated,generate/ts,gen/ts)

verify/tidy: ## go.mod and go.sum of every module are tidy
	@for module in $(MODULES); do echo "go mod tidy -diff ($$module)"; (cd $$module && go mod tidy -diff) || exit 1; done

verify/spec: api/ts/node_modules/.package-lock.json ## api/openapi.yaml against redocly's recommended rules
	@node internal/tools/check/spec.cjs api/openapi.yaml

verify/breaking: ## no caller of the last release breaks, unless the version says so
	@bash internal/tools/contract/breaking.sh api/released.yaml api/openapi.yaml $(CONTRACT) oasdiff

verify/vet: ## go vet
	go vet ./...

verify/vulnerabilities: ## no known vulnerability is reached (govulncheck)
	@bash internal/tools/check/vulnerabilities.sh $(CHECK) govulncheck

lint: ## golangci-lint, by .golangci.yml
	$(CHECK) golangci-lint run

# The pages and the TypeScript client: what make generate/web builds and what browsers and Node test.
.PHONY: generate/web verify/web test/ts test/web screenshots
generate: generate/web
generate/web: web/node_modules/.package-lock.json api/ts/node_modules/.package-lock.json ## the pages, from web/ and api/ts
	cd web && npm run --silent build -- --logLevel warn

verify/web: web/node_modules/.package-lock.json api/ts/node_modules/.package-lock.json ## gen/web is what make generate/web makes
	$(call regenerated,generate/web,gen/web,1)

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci
	@touch $@

test/ts: build api/ts/node_modules/.package-lock.json ## the TypeScript client: its types, and its calls to the program
	cd api/ts && npm test

test/web: build web/node_modules/.package-lock.json api/ts/node_modules/.package-lock.json ## the pages, in Chromium (Debian's chromium, or CHROMIUM=path)
	cd api/ts && npm run --silent build
	cd web && node --test --test-concurrency=1 test/*.test.mjs

screenshots: build web/node_modules/.package-lock.json ## docs/*.webp from the pages as they are (looks best with fonts-noto-cjk and fonts-noto-color-emoji)
	cd web && node test/screenshots.mjs

.PHONY: release
release: verify/breaking ## keep api/openapi.yaml as the document that later ones must not break
	cp api/openapi.yaml api/released.yaml

.PHONY: clean clean/data
clean: ## remove what was built and fetched into this folder, but no data
	rm -rf bin api/ts/node_modules api/ts/dist web/node_modules

clean/data: ## remove the database of make run (stop it first)
	rm -rf .data
