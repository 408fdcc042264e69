# What people and .ci/run call. `make help` lists the targets. Only Go, git and make are needed.

GO ?= go
BUILD := build

# Pinned tools, each with a go.mod of its own so that none of their modules reaches the product.
tool = $(GO) tool -modfile=tools/$(1)/go.mod $(1)

# Where goroutines, caches or compiled engines are shared. Folders that do not exist yet are left out.
RACE := $(wildcard abac authz redact snapshot vet internal/collect internal/lab internal/probe internal/server internal/store)

# Settings: make fuzz FUZZTIME=600, make vuln VULNDB=DIR|FILE.tgz|URL, make bench BENCH=Check, make soak SOAK=10m
FUZZTIME ?= 60
VULNDB ?=
BENCH ?= .
SOAK ?= 30m

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16

.PHONY: demo
demo: ## walk through the demo tenant; needs no Azure account
	@$(GO) run ./cmd/mivet demo

.PHONY: test
test: vet ## build, vet and run every test; leaves the coverage for `make cover`
	@mkdir -p $(BUILD)
	$(GO) test -shuffle=on -timeout=9m -coverprofile=$(BUILD)/cover.out ./...

.PHONY: build
build: ## compile everything; the command goes to build/mivet
	@mkdir -p $(BUILD)
	$(GO) build ./...
	$(if $(wildcard cmd/mivet),$(GO) build -trimpath -o $(BUILD)/mivet ./cmd/mivet)

.PHONY: vet
vet: build ## go vet
	$(GO) vet ./...

.PHONY: lint
lint: ## golangci-lint with .golangci.yml; the first run builds it, about two minutes
	$(call tool,golangci-lint) run ./...

.PHONY: static
static: ## what must change nothing: go fix, go mod tidy, go generate; and no dead code
	$(GO) fix -diff ./...
	$(GO) mod tidy -diff
	.ci/generated-current
	.ci/deadcode

.PHONY: generate
generate: ## write generated data and pages anew
	$(GO) generate ./...

.PHONY: cover
cover: $(BUILD)/cover.out ## coverage gate: 100 % on arm, abac, authz, 85 % elsewhere
	@awk -v strict='arm abac authz' -v least=85 -f .ci/coverage.awk $(BUILD)/cover.out

$(BUILD)/cover.out:
	$(MAKE) test

.PHONY: race
race: ## race detector on the packages that share state; -short leaves out what is large
ifeq ($(RACE),)
	@echo 'race: none of the packages exists yet'
else
	GOMEMLIMIT=4GiB $(GO) test -race -short -p 1 -parallel 2 -timeout=9m $(patsubst %,./%/...,$(RACE))
endif

.PHONY: fuzz
fuzz: ## FUZZTIME seconds, shared by all fuzz targets of the repository
	.ci/fuzz $(FUZZTIME)

.PHONY: oracle
oracle: ## real client libraries in simulated hosts; they must do what is predicted
	@mkdir -p $(BUILD)
	cd oracle && npm ci --silent --no-audit --no-fund && $(GO) build -o ../$(BUILD)/oracle . && ../$(BUILD)/oracle

.PHONY: shapes
shapes: ## the official clients of Azure read the laboratory and its services; their types must know all that it serves
	cd internal/lab/oracle && $(GO) test ./...

.PHONY: terraform
terraform: ## Terraform with the real providers azurerm and azapi, which it fetches, against the laboratory
	@mkdir -p $(BUILD)/providers
	MIVET_TERRAFORM=$${MIVET_TERRAFORM:-terraform} TF_PLUGIN_CACHE_DIR=$(CURDIR)/$(BUILD)/providers $(GO) test ./internal/cli -count=1 -run='^TestTerraform$$'

.PHONY: systems
systems: ## the static binary for the systems on which whoami may run; takes minutes, so not in CI
	for s in linux/arm64 windows/amd64 darwin/arm64; do CGO_ENABLED=0 GOOS=$${s%/*} GOARCH=$${s#*/} $(GO) build -o /dev/null ./cmd/mivet || exit; done

.PHONY: clickhouse
clickhouse: ## every engine gives the same facts: ClickHouse with two shards on the loopback; needs clickhouse-server
	MIVET_CLICKHOUSE=$${MIVET_CLICKHOUSE:-debian} $(GO) test ./internal/engines -count=1 -v

.PHONY: kql
kql: ## the language service of Kusto checks all queries of logs against the documented tables; needs node and npm
	cd kusto/typecheck && npm ci --silent --no-audit --no-fund && node check.mjs ../testdata/queries.kql ../../internal/lab/tables.tsv

.PHONY: soak
soak: ## collections with random faults for SOAK, half an hour by default: no wrong snapshot, no leak
	MIVET_SOAK=$(SOAK) $(GO) test ./internal/collect -count=1 -run='^TestSoak$$' -timeout=0 -v

.PHONY: bench
bench: ## benchmarks, with allocations
	$(GO) test -run='^$$' -bench='$(BENCH)' -benchmem ./...

.PHONY: vuln
vuln: ## govulncheck against the database VULNDB; says so when there is none
	.ci/vuln '$(VULNDB)'

.PHONY: depaware
depaware: ## fail if cmd/mivet/depaware.txt is not the list of linked packages
	$(call tool,depaware) -check -file=depaware.txt ./cmd/mivet

.PHONY: depaware-update
depaware-update: ## write cmd/mivet/depaware.txt anew
	$(call tool,depaware) -update -file=depaware.txt ./cmd/mivet

.PHONY: ci
ci: ## everything, as continuous integration runs it
	.ci/run

.PHONY: ci-times
ci-times: ## the same, and write the step times to docs/ci.md
	MIVET_CI_TIMES=docs/ci.md .ci/run

.PHONY: clean
clean: ## remove what the other targets built
	rm -rf $(BUILD)
