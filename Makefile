# Two commands for a newcomer: `make demo` and `make test`. Everything longer lives in tests/*.sh.
.PHONY: demo test console lint bench soak fuzz clean help

help: ## Show this help
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: console ## Build console and program, and run the hall on loopback with simulated plants
	cargo run -p fenghuo -- demo

test: ## Install what is missing, then run every check and test
	bash tests/stages.sh all

console: ## Build the web console
	bash tests/stages.sh console

lint: ## Formatting and lints only
	bash tests/stages.sh format clippy

bench: ## Measure against the anchors and peers; writes tests/report/bench.json and the README's table
	bash tests/stages.sh bench

soak: ## 1,000 kills under load
	bash tests/stages.sh soak

fuzz: ## 1,000,000 inputs into every fuzz target
	bash tests/stages.sh fuzz
