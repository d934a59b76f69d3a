# The two commands of the README, and the others that a developer needs. `make help` lists them.
PYTHON ?= python3.11
CORES ?= all
BIN := .venv/bin

.PHONY: help run test lint demo picture bench bench-features bench-corpus bench-memory sizing dag-size evidence-meld evidence-table clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

run: .venv/installed ## take the demo corpus through the whole pipeline
	$(BIN)/snakemake --cores $(CORES)

test: .venv/installed-test ## run the whole test suite
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest

lint: .venv/installed-test ## check layout and style of code and workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --lint

demo: .venv/installed ## remake the demo corpus (needs espeak-ng)
	$(BIN)/python resources/demo/make_demo.py

picture: .venv/installed ## redraw the rules of the pipeline (needs graphviz)
	$(BIN)/snakemake --rulegraph 2>/dev/null | dot -Tsvg -o docs/rulegraph.svg

bench: .venv/installed-test ## measure speed and size; the machine should be idle
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/pipeline.py

bench-features: .venv/installed ## measure the extraction of features against bare libraries, and by size
	@# A bound that the first comparison misses does not keep the second from being made.
	export PATH="$(abspath $(BIN)):$$PATH"; status=0; \
	$(BIN)/python benchmarks/features.py $(MELD) || status=$$?; \
	$(BIN)/python benchmarks/features.py $(MELD) --flat || status=$$?; \
	exit $$status

bench-corpus: .venv/installed ## take a made corpus of MELD's size through ingest and extraction
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/full_corpus.py $(MELD)

bench-memory: .venv/installed ## measure memory, asked for and taken, as a corpus grows
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/memory.py

sizing: .venv/installed ## measure what an utterance costs, for docs/slurm.md; the machine should be idle
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/unit_costs.py

dag-size: .venv/installed ## measure how long a million utterances take to become a DAG
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/dag_size.py

evidence-meld: .venv/installed ## compare all remedies on MELD=FOLDER, the folder of MELD's CSVs
	@test -n "$(MELD)" || { echo "error: name the folder of MELD's CSVs: make evidence-meld MELD=FOLDER"; exit 2; }
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/evidence.py benchmarks/evidence_meld.yaml --root "$(MELD)" --section evidence-meld --cores $(CORES)

evidence-table: .venv/installed ## the same tables of any corpus: CONFIG=FILE, with seeds and variants
	@test -n "$(CONFIG)" || { echo "error: name a configuration: make evidence-table CONFIG=FILE"; exit 2; }
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/evidence.py "$(CONFIG)" --cores $(CORES)

clean: ## remove the environment and all results
	rm -rf .venv .snakemake results/*/

# torch comes first and alone: its version decides which build the other packages meet.
.venv/installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable .
	touch $@

.venv/installed-test: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[test]'
	touch $@
