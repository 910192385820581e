# make demo: see the product work against an embedded LocalStack. make test: what must hold. make test-all: all of it.
# Both build what they need in .venv, once; `make setup` does only that.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# Not the user's own: the tests must not depend on them, nor write there.
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export UV_PYTHON_DOWNLOADS := never
unexport VIRTUAL_ENV
STAMP := $(VENV)/.stamp
PYTEST := $(BIN)/python -m pytest

.PHONY: help
help: ## Show these targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: $(STAMP) ## Build the development environment in .venv (seconds), with the locked versions.

# The lock holds exact versions and hashes, so that a later release of a dependency can't break this one.
$(STAMP): requirements-dev.txt tests/localstack/pyproject.toml tools/find-python tools/setup
	@PYTHON="$(PYTHON)" tools/setup $(VENV)
	@touch $@

.PHONY: lock
lock: $(STAMP) ## Resolve requirements-dev.in into requirements-dev.txt again.
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.12 --generate-hashes \
		--custom-compile-command "make lock" --override requirements-dev.overrides \
		requirements-dev.in -o requirements-dev.txt

.PHONY: demo
demo: $(STAMP) ## Turn DHMC on and off in several regions of a local AWS account, and show what happens.
	@$(BIN)/fleet-emulator run -- $(BIN)/python tools/demo.py

.PHONY: test
test: lint unit test-faults-short ## Lint, unit tests, tests of the main job against the emulator, and some faults.

.PHONY: lint
lint: $(STAMP) ## ruff, mypy, yamllint, ansible-lint (production), documentation and changelog lint.
	@tools/lint $(BIN)

.PHONY: sanity
sanity: $(STAMP) ## ansible-test sanity on the built collection, without ignore entries.
	@tools/sanity $(BIN)

# What goes beyond the main job takes longer than the rest: `make test-more` runs it, `make test-all` everything.
MORE := test_audit_ssm test_enable_modes test_fixes test_iam_policy_set test_iam_service_role \
	test_instance_profile_association test_instance_profile_permission_backup \
	test_instance_profile_permission_held test_instance_profile_policy \
	test_network_truth test_operator_policy test_operator_policy_dhmc test_operator_policy_needs \
	test_operator_policy_preflight test_operator_policy_profiles test_operator_policy_readiness test_preflight \
	test_profile_association_role test_readiness_page test_s3_policy_role test_secrets test_wait
MORE_TESTS := $(MORE:%=tests/integration_emulator/%.py)
MORE_SCENARIOS := instance_profile profile_association s3_policy preflight
# Three for two processors: a playbook waits for a third of its time.
JOBS := 3

.PHONY: unit
unit: $(STAMP) ## Unit tests, the emulator's own tests and the integration tests of the main job and the modules.
	@$(BIN)/fleet-emulator run -- $(PYTEST) -n $(JOBS) --dist worksteal --ignore=tests/localstack --ignore=tests/faults $(MORE_TESTS:%=--ignore=%) tests
	@cd tests/localstack && "$(CURDIR)/$(BIN)/fleet-emulator" run -- "$(CURDIR)/$(BIN)/python" -m pytest -n 2 tests

.PHONY: molecule
molecule: $(STAMP) ## Molecule scenarios of the main job against the emulator.
	@$(BIN)/fleet-emulator run -- tools/molecule $(BIN) dhmc enable_ssm

.PHONY: test-more
test-more: $(STAMP) ## The same for instance profiles, policies, preflight, waiting and the report.
	@$(BIN)/fleet-emulator run -- $(PYTEST) -n $(JOBS) --dist worksteal $(MORE_TESTS)
	@$(BIN)/fleet-emulator run -- tools/molecule $(BIN) $(MORE_SCENARIOS)

# One after the other, however long each is: what one worker has finished another does not wait for.
FAULTS := $(PYTEST) -n $(JOBS) --dist worksteal tests/faults

.PHONY: test-faults-short
test-faults-short: $(STAMP) ## Some faults, a few of each kind.
	@$(BIN)/fleet-emulator run -- $(FAULTS) -m short

.PHONY: test-faults
test-faults: $(STAMP) ## Every fault: throttling, regions down, denials, kills, full disks, races (see tests/faults).
	@$(BIN)/fleet-emulator run -- $(FAULTS)

.PHONY: test-all
test-all: test sanity molecule test-more ## All of these. Every fault takes as long again: make test-faults.

.PHONY: build
build: $(STAMP) ## The collection's artifact, in build/.
	@mkdir -p build
	@$(BIN)/ansible-galaxy collection build --force --output-path build .

.PHONY: bench
bench: $(STAMP) ## The benchmark of the README (some minutes).
	@$(BIN)/python benchmarks/regions.py

.PHONY: clean
clean: ## Remove what the other targets made.
	rm -rf $(VENV) .cache .ansible build collections .pytest_cache .mypy_cache .ruff_cache .hypothesis
