#!/usr/bin/env python3
"""The manual's reference lists what there is, and nothing else: events of the log and metrics with their labels.

usage: manual_test.py      reads server/ and deploy/README.md of this tree
"""
import pathlib
import re
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]


def events():
    """Names given to LogLine, anywhere in server/."""
    found = set()
    for file in (TREE / "server").rglob("*.cpp"):
        text = file.read_text()
        for arguments in re.findall(r"LogLine(?:\s+\w+)?\(([^()]*?)\)", text):
            found |= set(re.findall(r'"([a-z-]+)"', arguments))
        # Journal::event chooses among several.
        found |= set(re.findall(r'\bname = "([a-z-]+)"', text)) if file.name == "journal.cpp" else set()
    return found


def metrics():
    """Name -> labels, as server/metrics.hpp declares them."""
    found = {}
    for kind, name, labels in re.findall(r'MetricFamily \w+\{\s*Type::(\w+),\s*"(\w+)",\s*(?:"[^"]*"\s*)+(?:,\s*\{([^}]*)\})?',
                                         (TREE / "server/metrics.hpp").read_text()):
        found[name] = ", ".join(re.findall(r'"(\w+)"', labels)) + f" ({kind})"
    return found


def table(heading):
    """First cell -> second cell of the table below **heading**; the first may name several in backquotes."""
    manual = (TREE / "deploy/README.md").read_text()
    section = re.search(rf"^\*\*{heading}\*\*.*?\n\n((?:\|[^\n]*\n)+)", manual, re.M | re.S)
    if not section:
        sys.exit(f"manual_test.py: no table **{heading}** in deploy/README.md")
    rows = {}
    for row in section[1].splitlines()[2:]:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        for name in re.findall(r"`([\w-]+)`", cells[0]):
            rows[name] = cells[1]
    return rows


def main():
    faults = []
    for what, there, told in (("event", events(), table("Events of the log")), ("metric", metrics(), table("Metrics"))):
        if len(there) < 25:
            faults.append(f"{len(there)} {what}s found only: the source is not read rightly")
        faults += [f"{what} {name} is not in the manual" for name in sorted(set(there) - set(told))]
        faults += [f"{what} {name} of the manual does not exist" for name in sorted(set(told) - set(there))]
        if isinstance(there, dict):
            faults += [f"{what} {name}: the manual says {told[name]!r}, the source {labels!r}"
                       for name, labels in there.items() if name in told and told[name] != labels.strip()]
    if faults:
        sys.exit("\n".join(faults))
    print(f"manual: {len(events())} events, {len(metrics())} metrics")


if __name__ == "__main__":
    main()
