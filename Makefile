# What a newcomer types. `make models` is the first step of the others.
PYTHON ?= python3
PORT ?= 8080
QDRANT_URL ?=
CHECKS ?= 1000000

.PHONY: models clients axe build demo test soak sabotage bench

models: ## fetch the embedding model and ONNX Runtime into models/, checked by hash
	@$(PYTHON) scripts/fetch-models

build:
	cargo build --release --locked

demo: models build ## start the sample company on http://127.0.0.1:$(PORT)
	@$(PYTHON) scripts/demo target/release/vouch $(PORT)

clients: ## the official client libraries that some tests drive Vouch with, in target/clients
	@PYTHON=$(PYTHON) scripts/fetch-clients

axe: ## axe-core, with which the browser tests look at every page, in target/axe
	@scripts/fetch-axe

test: models clients axe ## every test, in the profile that ships; QDRANT_URL=… adds a real Qdrant server
	QDRANT_URL=$(QDRANT_URL) cargo test --release --locked $(if $(QDRANT_URL),-- --include-ignored)

soak: models ## the proofs of permission at full length, CHECKS of them; VOUCH_SEED=… repeats a run
	VOUCH_SOAK=$(CHECKS) cargo test --release --locked -p vouch --test e2e -- --test-threads=1 --nocapture \
		soak:: two_worlds::promise_13_whoever slack::load

sabotage: ## breaks a copy of the sources on purpose, and expects the proofs to notice
	@$(PYTHON) scripts/sabotage

bench: models ## speed beside its calibration, and retrieval quality where ../shared/data is
	cargo bench --locked
