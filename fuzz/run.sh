#!/usr/bin/env bash
# Builds the fuzz targets with coverage on the stable toolchain and runs each with the given libFuzzer options.
# usage: fuzz/run.sh -max_total_time=60      or      fuzz/run.sh -runs=1000000
set -euo pipefail
cd "$(dirname "$0")"
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
# With a target named, the flags do not reach build scripts, which have no fuzzer to link.
host=$(rustc -vV | sed -n 's/^host: //p')
cargo build --release --bins --target "$host"
passed=0
for target in src/bin/*.rs; do
  name=$(basename "$target" .rs)
  mkdir -p "corpus/$name" artifacts
  echo "== fuzz $name"
  log="artifacts/$name.log"
  if ! "${CARGO_TARGET_DIR:-target}/$host/release/$name" -max_len=4096 -rss_limit_mb=2048 -timeout=10 \
    -print_final_stats=1 -artifact_prefix="artifacts/$name-" "$@" "corpus/$name" "seeds/$name" >"$log" 2>&1; then
    tail -n 40 "$log"
    echo "fuzz $name failed; the input is in fuzz/artifacts"
    exit 1
  fi
  grep -E 'stat::(number_of_executed_units|average_exec_per_sec)' "$log"
  passed=$((passed + 1))
done
echo "fuzz: $passed passed, 0 failed"
