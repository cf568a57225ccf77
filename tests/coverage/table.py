#!/usr/bin/env python3
"""Prints gcovr's summary by folder, and the files with most lines that no test reaches: table.py SUMMARY.JSON"""
import json
import sys

FOLDERS = ("mime", "schema", "storage", "server/smtp")
WORST = 12


def folder_of(name):
    return next((f for f in FOLDERS if name.startswith(f + "/")), None)


def percent(covered, total):
    return f"{100 * covered / total:5.1f} %" if total else "      -"


def main():
    files = json.load(open(sys.argv[1]))["files"]
    print(f"{'':12} {'lines':>6} {'':>8} {'branches':>9}")
    for folder in FOLDERS:
        mine = [f for f in files if folder_of(f["filename"]) == folder]
        total = {k: sum(f[k] for f in mine) for k in ("line_covered", "line_total", "branch_covered", "branch_total")}
        print(f"{folder:12} {total['line_total']:6} {percent(total['line_covered'], total['line_total'])}"
              f" {total['branch_total']:9} {percent(total['branch_covered'], total['branch_total'])}")
    print("most lines not reached:")
    for file in sorted(files, key=lambda f: f["line_covered"] - f["line_total"])[:WORST]:
        print(f"  {file['filename']:40} {file['line_total'] - file['line_covered']:4} of {file['line_total']}")


main()
