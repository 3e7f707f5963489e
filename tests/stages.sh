#!/usr/bin/env bash
# The stages of `make test` and the long runs. Usage: tests/stages.sh STAGE...   (all = what CI runs)
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never

say() { printf '\n== %s  (%s s since the start)\n' "$1" "$SECONDS"; }

need() { # need COMMAND PACKAGE: installs the Debian package when the command is missing
  command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing+=("$2")
}

setup() {
  say "setup: what the tests need of this machine"
  for tool in cargo node npm python3; do
    command -v "$tool" >/dev/null || { echo "missing: $tool. Install Rust (rustup.rs), Node.js 20 or newer, and Python 3, then run this again."; exit 1; }
  done
  missing=()
  need mosquitto mosquitto
  need mosquitto_pub mosquitto-clients
  need chromium chromium
  need strace strace
  need ffprobe ffmpeg
  # An RTSP server that nobody here wrote, with encoders for H.264, H.265, motion JPEG and AAC.
  if ! /usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0")' 2>/dev/null; then
    missing+=(python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly)
  fi
  command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=(postgresql)
  fc-list 2>/dev/null | grep -qi wqy || missing+=(fonts-wqy-microhei)
  if [ ${#missing[@]} -gt 0 ]; then
    echo "installing: ${missing[*]}"
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
      echo "cannot install by myself (no apt-get, or not root): install ${missing[*]} with your package manager, then run this again."
      exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
  fi
  if ! target/venv/bin/python -c 'import websockets' 2>/dev/null; then
    python3 -m venv target/venv
    target/venv/bin/pip install -q 'websockets>=15,<17'
  fi
}

console() {
  say "console: types, unit tests, build, size"
  (
    cd dashboards/console
    [ -d node_modules ] && [ node_modules -nt package-lock.json ] || npm ci --no-audit --no-fund --silent
    npm run --silent types:check
    npm run --silent build
  )
}

console_test() {
  say "console: unit tests and size"
  (cd dashboards/console && npm run --silent test && npm run --silent size)
}

format() { say "format"; cargo fmt --all -- --check; }
clippy() { say "clippy"; cargo clippy --workspace --all-targets -- -D warnings; }
build() { say "build"; cargo build -p fenghuo; }

test_rust() {
  say "unit, property and end-to-end tests"
  cargo test --workspace
}

browser() {
  say "browser tests"
  (cd dashboards/console && FENGHUO_BIN="$PWD/../../target/debug/fenghuo" npm run --silent e2e)
}

fuzz_minute() { say "fuzz: 60 s a target"; bash fuzz/run.sh -max_total_time="${FUZZ_SECONDS:-60}"; }
fuzz() { say "fuzz: 1,000,000 inputs a target"; bash fuzz/run.sh -runs=1000000; }

bench() {
  say "bench"
  cargo build --release -p fenghuo
  python3 tests/bench/run.py "${@:-all}"
  python3 tests/bench/table.py
}

soak() {
  say "soak: 1,000 kills under load"
  cargo build -p fenghuo
  FENGHUO_KILLS=1000 cargo test -p hall-tests kill_
  FENGHUO_KILLS=1000 cargo test -p video kill_ -- --nocapture
}

all() {
  setup
  console
  console_test
  format
  clippy
  build
  test_rust
  browser
  [ ! -f fuzz/run.sh ] || fuzz_minute
  say "done"
}

for stage in "${@:-all}"; do "$stage"; done
