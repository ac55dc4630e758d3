# What a newcomer types. `make models` is the first step of the others.
PYTHON ?= python3

.PHONY: models

models: ## fetch the embedding model and ONNX Runtime into models/, checked by hash
	@$(PYTHON) scripts/fetch-models
