# Everything runs through uv; where it is missing, it is installed into .tools, for this folder only.
UV := $(shell command -v uv || echo $(CURDIR)/.tools/bin/uv)
export PATH := $(PATH):$(CURDIR)/.tools/bin
RUN := $(UV) run --frozen --quiet

.PHONY: demo check lint test weak-model bench

demo: $(UV)             ## replay a recorded run into ./products
	@mkdir -p products && cd products && $(RUN) --no-dev softfactory demo $(NAME)

check: lint test        ## everything that must hold before a commit

lint: $(UV)
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports

test: $(UV)
	$(RUN) pytest -n 2

weak-model: $(UV)       ## a real, very weak model end to end; downloads 130 MB once
	$(RUN) --isolated --group weak-model pytest tests/test_weak_model.py

bench: $(UV)            ## what a run costs, and how heavy the program is
	$(RUN) python -m bench.calculator
	$(RUN) python -m bench.prefixes
	$(RUN) python -m bench.startup
	$(RUN) python -m bench.server

$(CURDIR)/.tools/bin/uv:
	python3 -m pip install --quiet --disable-pip-version-check --target .tools uv
