"""H2: filters and counts over a ledger of 80,000 hidden dangers, on SQLite and PostgreSQL, by the store's own bench.

It starts a PostgreSQL of its own, as the tests do, asks each of its queries 30 times and prints a line for each.
"""

import re
import subprocess

from rig import TOP, WORK

ENGINES = {"SQLite": "sqlite", "PostgreSQL": "postgres"}
SECTION = re.compile(r"^(SQLite|PostgreSQL): ")
# Name, p50, p95 and max in ms, rows.
QUERY = re.compile(r"^(\S.*?)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+(\d+)$")
LIMIT_S = 1_800


def kind(query):
    """A search looks for a text, a count groups, the rest are pages."""
    return next((k for word, k in (("text", "search"), ("count", "count")) if query.startswith(word)), "list")


def worst(text):
    """The worst p95 by engine and kind of query, in ms."""
    found, engine = {}, None
    for line in text.splitlines():
        if section := SECTION.match(line):
            engine = ENGINES[section[1]]
        elif engine and (query := QUERY.match(line)):
            key = f"{kind(query[1])}_{engine}"
            found[key] = max(found.get(key, 0.0), float(query[3]))
    return found


def h2(_rig):
    command = ["cargo", "bench", "--quiet", "-p", "store", "--bench", "ledger"]
    result = subprocess.run(command, cwd=TOP, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    with open(WORK / "log.txt", "a") as log:
        log.write(result.stdout + result.stderr)
    found = worst(result.stdout)
    if result.returncode != 0 or len(found) != 3 * len(ENGINES):
        raise RuntimeError(f"{' '.join(command)}: {result.stderr[-400:]}")
    return found
