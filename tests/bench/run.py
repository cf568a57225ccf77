#!/usr/bin/env python3
"""Runs the benchmarks and prints one table. Loopback only, bounded, stops what it started.

usage: run.py --build BUILD_FOLDER [--work FOLDER] [--sessions 1,20,200] [--rounds 3] [--curves]
              [--peer NAME=COMMAND]...

BUILD_FOLDER holds a release build (dmarcbox, tests/bench/send_mails, tests/bench/floor). COMMAND starts another
receiver for comparison in the same run; {port} and {db} are replaced, it must listen on 127.0.0.1 and accept
rua@reports.example or any address. Each figure is the median of the rounds; ratios are to the floor: a program
that inflates, parses and writes the same rows in group commits without any mail in between.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_listening(port, process, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"the receiver ended with {process.returncode} before it listened")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                try:
                    probe.recv(512)
                    probe.sendall(b"QUIT\r\n")
                    probe.recv(512)
                except OSError:
                    pass
                return
        time.sleep(0.05)
    sys.exit("the receiver did not listen")


def fields(line):
    return {k: float(v) for k, v in re.findall(r"(\w+)=(-?[\d.]+)", line)}


def finish(process, stop):
    """Ends a child and returns its resource usage: CPU seconds and peak MiB."""
    if stop:
        process.send_signal(signal.SIGTERM)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def database_size(path):
    return sum(p.stat().st_size for p in path.parent.glob(path.name + "*"))


def measure_service(command, port, db, send, sessions, mails, env=None):
    for old in db.parent.glob(db.name + "*"):
        old.unlink()
    with open(db.parent / "service.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
    wait_listening(port, process)
    sent = subprocess.run([send, str(port), str(sessions), "0", "rua@reports.example", mails],
                          capture_output=True, text=True, timeout=600)
    cpu, peak = finish(process, stop=True)
    if sent.returncode != 0:
        sys.exit(f"not every mail was answered 250: {sent.stdout}{sent.stderr}")
    row = fields(sent.stdout)
    row.update(cpu=cpu, peak=peak, size=database_size(db))
    return row


def check_totals(db, expected):
    with sqlite3.connect(db) as connection:
        got = connection.execute(
            "SELECT (SELECT count(*) FROM aggregate_reports), (SELECT count(*) FROM aggregate_records),"
            " (SELECT coalesce(sum(messages),0) FROM day_totals), (SELECT count(*) FROM failure_reports)").fetchone()
    want = tuple(expected[k] for k in ("aggregate_reports", "records", "messages", "failure_reports"))
    if got != want:
        sys.exit(f"totals differ: stored {got}, sent {want}")


def median(rows):
    return {k: statistics.median(r[k] for r in rows) for k in rows[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/tmp/dmarcbox-bench"))
    parser.add_argument("--sessions", default="1,20,200")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--curves", action="store_true")
    options = parser.parse_args()
    build, work = options.build.resolve(), options.work.resolve()
    binary, send, floor = build / "dmarcbox", build / "tests/bench/send_mails", build / "tests/bench/floor"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    mails = work / "mails"
    subprocess.run([sys.executable, HERE / "make_mails.py", mails], check=True, stdout=subprocess.DEVNULL)
    expected = json.loads((mails / "expected.json").read_text())
    db = work / "bench.db"

    config = work / "bench.toml"
    most = max(map(int, options.sessions.split(",")))
    config.write_text(f"[smtp]\nmax_connections = {max(512, most + 16)}\n")

    def serve(port):
        return [binary, "serve", "--listen", f"127.0.0.1:{port}", "--db", db, "--accept", "rua@reports.example",
                "--config", config]

    def floor_round():
        for old in work.glob("floor.db*"):
            old.unlink()
        process = subprocess.Popen([floor, mails, work / "floor.db"], stdout=subprocess.PIPE, text=True)
        line = process.stdout.read()
        cpu, peak = finish(process, stop=False)
        if process.returncode != 0:
            sys.exit("the floor program failed")
        row = fields(line)
        row.update(cpu=cpu, peak=peak, size=database_size(work / "floor.db"))
        return row

    table = []
    base = median([floor_round() for _ in range(options.rounds)])
    base.update(mails_per_s=base["mails"] / base["seconds"])
    table.append(("floor (no mail)", base))
    for sessions in map(int, options.sessions.split(",")):
        rows = []
        for _ in range(options.rounds):
            port = free_port()
            rows.append(measure_service(serve(port), port, db, send, sessions, mails))
            check_totals(db, expected)
        table.append((f"dmarcbox, {sessions} sessions", median(rows)))
    for peer in options.peer:
        name, command = peer.split("=", 1)
        rows = []
        for _ in range(options.rounds):
            port, peer_db = free_port(), work / "peer.db"
            line = shlex.split(command.format(port=port, db=peer_db))
            rows.append(measure_service(line, port, peer_db, send, 20, mails))
        table.append((f"{name}, 20 sessions", median(rows)))

    print(f"{expected['mails']} mails, {expected['records']} records, {expected['xml_bytes'] / 1e6:.1f} MB of XML, "
          f"median of {options.rounds}")
    print(f"{'':24}{'mails/s':>9}{'records/s':>11}{'p50 ms':>8}{'p99 ms':>8}{'CPU s':>7}{'MiB':>6}{'B/record':>9}"
          f"{'rate/floor':>11}{'CPU/floor':>10}")
    for name, row in table:
        rate = row["mails_per_s"]
        print(f"{name:24}{rate:9.0f}{rate * expected['records'] / expected['mails']:11.0f}"
              f"{row.get('p50_ms', float('nan')):8.2f}{row.get('p99_ms', float('nan')):8.2f}{row['cpu']:7.2f}{row['peak']:6.0f}"
              f"{row['size'] / expected['records']:9.0f}{rate / base['mails_per_s']:11.2f}{row['cpu'] / base['cpu']:10.2f}")
    if options.curves:
        curves(options, work, serve, send, db)


def curves(options, work, serve, send, db):
    """Rate against the size of a report: the number of mails falls so that each step has 60,000 records."""
    print("\nrecords in a report   mails   records/s   p99 ms   peak MiB")
    for records in (1, 10, 100, 1000, 10000, 60000):
        folder = work / f"size-{records}"
        count = min(6000, 60000 // records)
        subprocess.run([sys.executable, HERE / "make_mails.py", folder, "--aggregate", str(count), "--failure", "0",
                        "--records", str(records)], check=True, stdout=subprocess.DEVNULL)
        port = free_port()
        row = measure_service(serve(port), port, db, send, 20, folder)
        print(f"{records:19d} {count:7d} {row['mails_per_s'] * records:11.0f} {row['p99_ms']:8.1f} {row['peak']:10.0f}")
        shutil.rmtree(folder)


main()
