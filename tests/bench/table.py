#!/usr/bin/env python3
"""Writes the table of tests/report/bench.json into README.md between <!-- bench --> and <!-- /bench -->.
With --check it writes nothing and fails when the table is not that of the report."""

import json
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
REPORT = TOP / "tests" / "report" / "bench.json"
README = TOP / "README.md"
MARKS = ("<!-- bench -->", "<!-- /bench -->")


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def verdict(row):
    if row["must"] is None:
        return ""
    better = (lambda a, b: a <= b) if row["better"] == "lower" else (lambda a, b: a >= b)
    if better(row["value"], row["goal"]):
        return "goal"
    return "must" if better(row["value"], row["must"]) else "**below must**"


def measured(report):
    """When and at which commit; a row that was measured at another time says so in the report."""
    stamps = sorted({(row.get("date", report["date"]), row.get("commit", report["commit"])) for row in report["rows"]})
    (first, old), (last, new) = stamps[0], stamps[-1]
    if len(stamps) == 1:
        return f"Measured {last} at commit {new}"
    between = f"Measured between {first} (commit {old}) and {last} (commit {new})"
    return f"{between}, each row's own date in tests/report/bench.json"


def table(report):
    m = report["machine"]
    head = f"{measured(report)}: {m['cores']} cores ({m['cpu']}), "
    head += f"{m['memory_mib']:,} MiB, Linux {m['kernel']}. `make bench` measures again.\n\n"
    head += "| measure | value | must | goal | reached | reference |\n|---|---|---|---|---|---|\n"
    lines = []
    for row in report["rows"]:
        value = f"{number(row['value'])} {row['unit']}"
        cells = [row["name"], value, number(row["must"]), number(row["goal"]), verdict(row), row["reference"]]
        lines.append("| " + " | ".join(cells) + " |\n")
    return head + "".join(lines)


def main():
    report = json.loads(REPORT.read_text())
    readme = README.read_text()
    if any(readme.count(mark) != 1 for mark in MARKS):
        sys.exit(f"README.md needs one {MARKS[0]} and one {MARKS[1]}")
    before, rest = readme.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    wanted = f"{before}{MARKS[0]}\n{table(report)}{MARKS[1]}{after}"
    if "--check" in sys.argv:
        if wanted != readme:
            sys.exit("README.md's bench table is not that of tests/report/bench.json: python3 tests/bench/table.py")
    else:
        README.write_text(wanted)


if __name__ == "__main__":
    main()
