#!/usr/bin/env python3
"""Measures the rows of the performance table, product and anchor interleaved round by round, and writes
tests/report/bench.json.

    python3 tests/bench/run.py all --rounds 5        every row
    python3 tests/bench/run.py P3,P6 --rounds 1      some rows; the others keep their last figures
    python3 tests/bench/run.py cost|latency|fan|start|ledger

FENGHUO_BENCH: the shared bench (meter, anchors, peers; default ../shared/bench). FENGHUO_BIN: the release build
(default target/release/fenghuo). Built things go to target/bench. Ratios are ratios of medians.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

import aged
import latency
import ledger
import load
from rig import TOP, WORK, Rig, machine
from table import REPORT

MEASURE = {
    "P1": load.p1, "P2": load.p2, "P3": load.p3, "P4": load.p4, "P6": latency.p6, "P7": latency.p7, "P8": latency.p8,
    "P9": latency.p9, "P10": latency.p10, "P11": load.p11, "P12": load.p12, "P13": aged.p13,
    "H2": ledger.h2,
}
GROUPS = {
    "cost": ["P1", "P2", "P3", "P4", "P11", "P12"], "latency": ["P6", "P7", "P8"], "fan": ["P9", "P10"],
    "start": ["P13"], "ledger": ["H2"], "all": list(MEASURE),
}
# Measured this often at most: memory differs little from round to round; the ledger's bench asks each query 30 times.
ROUNDS_MAX = {"P11": 1, "H2": 1}
# Measured without anchors and peers.
ALONE = {"H2"}
LOW, HIGH = "lower", "higher"
# Row of the issue, measured by, name, unit, must, goal, better, reference, value from the medians.
ROWS = [
    ("P1", "P1", "backlog, QoS 0: CPU against rust-simple", "x", 3, 1, LOW, "rust-simple 0.30 us a message",
     lambda m: m["hall"] / m["rust_simple"]),
    ("P1", "P1", "backlog, QoS 0: CPU against Node-RED", "x", 1 / 20, 1 / 60, LOW, "Node-RED 20.1 us a message",
     lambda m: m["hall"] / m["node_red"]),
    ("P2", "P2", "1,000 connections, 20,000/s: CPU against raw server and rule", "x", 3, 1.5, LOW, "raw 5.0 us a message",
     lambda m: m["hall"] / m["raw"]),
    ("P2", "P2", "1,000 connections, 20,000/s: CPU against Mosquitto and null subscriber", "x", 1, 0.7, LOW,
     "Mosquitto + null 11.2 us a message", lambda m: m["hall"] / (m["mosquitto"] + m["null"])),
    ("P3", "P3", "door, QoS 1, PUBACK after commit", "readings/s", 200_000, 400_000, HIGH,
     "door prototype without rules 437,000 to 508,000", lambda m: m["rate_qos1"]),
    ("P3", "P3", "door, QoS 1, PUBACK after commit: CPU", "s per million", 5, 2.5, LOW, "door prototype 1.8 to 2.1",
     lambda m: m["cpu_qos1"]),
    ("P4", "P4", "subscribed at 10,000/s: CPU against a null rumqttc subscriber", "x", 2, 1.25, LOW, "rust-simple 1.14",
     lambda m: m["hall"] / m["null"]),
    ("P5", "P3", "QoS 1 against QoS 0 at saturation: CPU", "x", 2, 1.3, LOW, "rust-simple 1.9, floor 1.26",
     lambda m: m["cpu_qos1"] / m["cpu_qos0"]),
    ("P6", "P6", "publish to alarm frame less one fdatasync, p50, against echo", "x", 6, 3, LOW, "echo 14 us",
     lambda m: m["netp50_qos0"] / m["echop50"]),
    ("P6", "P6", "publish to alarm frame less one fdatasync, p99, against echo", "x", 10, 3, LOW, "echo 35 us",
     lambda m: m["netp99_qos0"] / m["echop99"]),
    ("P6", "P6", "the same of `floor` (one thread, bare sockets, nothing stored), p50", "x", None, None, LOW, "echo 14 us",
     lambda m: m["floorp50"] / m["echop50"]),
    ("P6", "P6", "the same of `floor`, p99", "x", None, None, LOW, "echo 35 us", lambda m: m["floorp99"] / m["echop99"]),
    ("P6", "P6", "publish to alarm frame less one fdatasync, p50, against `floor`", "x", None, None, LOW, "floor",
     lambda m: m["netp50_qos0"] / m["floorp50"]),
    ("P6", "P6", "one fdatasync of the same run, p50", "us", None, None, LOW, "0.11 ms back to back",
     lambda m: m["syncp50_qos0"]),
    ("P6", "P6", "one fdatasync after 20 ms of rest, p50, by another process before the run", "us", None, None, LOW,
     "0.11 ms back to back", lambda m: m["rested"]),
    ("P6", "P6", "the same with all readings at QoS 1, p50", "x", None, None, LOW, "echo 14 us",
     lambda m: m["netp50_qos1"] / m["echop50"]),
    ("P6", "P6", "the same with all readings at QoS 1, p99", "x", None, None, LOW, "echo 35 us",
     lambda m: m["netp99_qos1"] / m["echop99"]),
    ("P7", "P7", "p99 through Mosquitto at 10,000/s against Node-RED", "x", 1, 1 / 4, LOW, "Node-RED 0.9 ms",
     lambda m: m["hall_10000"] / m["node_red_10000"]),
    ("P7", "P7", "p99 through Mosquitto at 50,000/s against Node-RED", "x", 1 / 5, 1 / 20, LOW, "Node-RED 24 ms",
     lambda m: m["hall_50000"] / m["node_red_50000"]),
    ("P8", "P8", "worst publish to alarm frame, disk busy with another writer", "ms", 150, 60, LOW, "budget 50 ms",
     lambda m: m["busy"]),
    ("P8", "P8", "worst publish to alarm frame, disk stops for 500 ms", "ms", 150, 60, LOW, "budget 50 ms",
     lambda m: m["stopped"]),
    ("P9", "P9", "1,000 clients, bursts of ten: CPU per frame against tokio-tungstenite", "x", 0.4, 0.2, LOW,
     "4.5 us a frame", lambda m: m["hall"] / m["tungstenite"]),
    ("P10", "P10", "one stalled client among 1,000: p99 of the others grows by", "%", 20, 10, LOW,
     "rust-simple drops silently", lambda m: max(0.0, (m["stalled"] / m["alone"] - 1) * 100)),
    ("P11", "P11", "memory, 100,000 tags, four limits each, current values", "MB", 300, 120, LOW,
     "Node-RED 182 MB with one rule", lambda m: m["rss"]),
    ("P12", "P12", "engine alone, four limits, 100,000 tags in random order", "ns", 150, 90, LOW, "prototype 63 to 96",
     lambda m: m["step"]),
    ("P12", "P12", "compiled rule of five operators", "ns", 80, 30, LOW, "CEL 1,250", lambda m: m["rule"]),
    ("P13", "P13", "cold start to first evaluation, 10,000 open alarms, 1,000,000 events", "s", 3, 0.5, LOW,
     "Phoebus about 10 s", lambda m: m["start"]),
    *(("H2", "H2", f"ledger of 80,000 hidden dangers, {engine}: worst p95 of {what}", "ms", 300, 100, LOW,
       "must of the issue", lambda m, key=f"{key}_{short}": m[key])
      for engine, short in ledger.ENGINES.items()
      for key, what in (("list", "a list"), ("search", "a text search"), ("count", "a count"))),
]


def measure(rig, names, rounds):
    """Samples by row and name; a failed measurement is said and left out."""
    samples = {name: {} for name in names}
    for number in range(rounds):
        for name in names:
            if number >= ROUNDS_MAX.get(name, rounds):
                continue
            began = time.monotonic()
            try:
                got = MEASURE[name](rig)
            except (RuntimeError, subprocess.SubprocessError, OSError, KeyError, TypeError, AttributeError) as error:
                print(f"round {number + 1} {name}: failed: {error!r}", flush=True)
                continue
            figures = " ".join(f"{k}={v:.4g}" for k, v in got.items())
            print(f"round {number + 1} {name} ({time.monotonic() - began:.0f} s): {figures}", flush=True)
            for key, value in got.items():
                samples[name].setdefault(key, []).append(value)
    return samples


def rows(samples):
    for identity, source, name, unit, must, goal, better, reference, value in ROWS:
        if not samples.get(source):
            continue
        medians = {key: statistics.median(all_of) for key, all_of in samples[source].items()}
        number = float(f"{value(medians):.4g}")
        yield {
            "name": f"{identity} {name}", "value": number, "unit": unit, "must": must and float(f"{must:.4g}"),
            "goal": goal and float(f"{goal:.4g}"), "better": better, "reference": reference,
            "rounds": min(len(all_of) for all_of in samples[source].values()),
            "medians": {key: float(f"{v:.4g}") for key, v in medians.items()},
        }


def commit():
    git = ["git", "-C", str(TOP), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()


def save(new):
    """Rows that were not measured now keep their figures, each with its own date and commit."""
    stamp = {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "commit": commit(), "machine": machine()}
    old = json.loads(REPORT.read_text())["rows"] if REPORT.exists() else []
    by_name = {row["name"]: row for row in old}
    by_name |= {row["name"]: row | {"date": stamp["date"], "commit": stamp["commit"]} for row in new}
    ordered = [by_name[f"{r[0]} {r[2]}"] for r in ROWS if f"{r[0]} {r[2]}" in by_name]
    # Rows of other benches stay as they are.
    ours = {f"{r[0]} {r[2]}" for r in ROWS}
    ordered += [row for row in old if row["name"] not in ours and row["name"][:1] != "P"]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(stamp | {"rows": ordered}, ensure_ascii=False, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", help="rows and groups, joined with commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="print only, write nothing")
    options = parser.parse_args()
    names = [row for what in options.what.split(",") for row in GROUPS.get(what, [what.replace("P5", "P3")])]
    unknown = [name for name in names if name not in MEASURE]
    if unknown:
        sys.exit(f"no such row or group: {', '.join(unknown)}; rows {', '.join(MEASURE)}, groups {', '.join(GROUPS)}")
    rig = Rig()
    if set(names) - ALONE:
        rig.build()
    new = list(rows(measure(rig, list(dict.fromkeys(names)), options.rounds)))
    for row in new:
        print(f"{row['name']}: {row['value']:g} {row['unit']} (must {row['must']}, goal {row['goal']})")
    if not options.dry:
        save(new)
    failed = [row["name"] for row in new if missed(row)]
    print(f"below must: {', '.join(failed) or 'none'}; log in {WORK.name}/log.txt")


def missed(row):
    if row["must"] is None:
        return False
    return row["value"] > row["must"] if row["better"] == LOW else row["value"] < row["must"]


if __name__ == "__main__":
    main()
