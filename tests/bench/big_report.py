#!/usr/bin/env python3
"""One report of many records, alone and beside small mails. Loopback only, ends by itself.

usage: big_report.py BUILD_FOLDER [--records 100000] [--rounds 3] [--peer NAME=COMMAND]...

BUILD_FOLDER holds a release build with target bench. Prints the time from the final dot of the big mail to its 250, the peak
memory of the service, and how long small mails waited for theirs meanwhile. COMMAND as in run.py.
"""
import argparse
import os
import pathlib
import re
import shlex
import signal
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def greeted(port):
    for _ in range(400):
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    sys.exit("the receiver does not listen")


def measure(command, port, db, big, small, send):
    """Seconds of the big mail, peak MiB, and with `small` their p50 and p99 in ms."""
    for old in db.parent.glob(db.name + "*"):
        old.unlink()
    with open(db.parent / "big.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    greeted(port)
    others = None
    if small:
        others = subprocess.Popen([send, str(port), "4", "0", "rua@reports.example", small], stdout=subprocess.PIPE, text=True)
        time.sleep(0.2)
    alone = subprocess.run([send, str(port), "1", "0", "rua@reports.example", big], capture_output=True, text=True, timeout=300)
    figures = re.search(r"max_ms=([\d.]+) .*reply_250=1\b", alone.stdout)
    if not figures:
        sys.exit(f"the big report was not answered 250: {alone.stdout}{alone.stderr}")
    result = {"seconds": float(figures[1]) / 1000}
    if others:
        said = others.communicate(timeout=300)[0]
        result.update({k: float(v) for k, v in re.findall(r"(p50_ms|p99_ms|max_ms)=([\d.]+)", said)})
    process.send_signal(signal.SIGTERM)
    _, _, usage = os.wait4(process.pid, 0)
    result["peak"] = usage.ru_maxrss / 1024
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--records", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", action="append", default=[])
    options = parser.parse_args()
    send, program = options.build / "tests/bench/send_mails", options.build / "dmarcbox"
    with tempfile.TemporaryDirectory(prefix="dmarcbox-big-") as folder:
        folder = pathlib.Path(folder)
        subprocess.run([sys.executable, HERE / "make_mails.py", folder / "big", "--aggregate", "1", "--failure", "0", "--records",
                        str(options.records)], check=True, stdout=subprocess.DEVNULL)
        # Small reports only, as many as arrive while the big one is read.
        subprocess.run([sys.executable, HERE / "make_mails.py", folder / "small", "--aggregate", "3000", "--failure", "0", "--records", "5",
                        "--seed", "8"], check=True, stdout=subprocess.DEVNULL)
        db = folder / "big.db"

        def ours(port):
            return [program, "serve", "--listen", f"127.0.0.1:{port}", "--db", db, "--accept", "rua@reports.example", "--config", os.devnull]
        receivers = [("dmarcbox", ours)]
        for peer in options.peer:
            name, command = peer.split("=", 1)
            receivers.append((name, lambda port, c=command: shlex.split(c.format(port=port, db=db))))
        print(f"{options.records} records, median of {options.rounds}\n{'':12}{'alone s':>9}{'peak MiB':>10}{'beside small s':>16}"
              f"{'small p50 ms':>14}{'p99 ms':>9}")
        for name, command in receivers:
            rows = []
            for _ in range(options.rounds):
                port = free_port()
                alone = measure(command(port), port, db, folder / "big", None, send)
                port = free_port()
                beside = measure(command(port), port, db, folder / "big", folder / "small", send)
                rows.append((alone["seconds"], alone["peak"], beside["seconds"], beside["p50_ms"], beside["p99_ms"]))
            median = [statistics.median(column) for column in zip(*rows)]
            print(f"{name:12}{median[0]:9.2f}{median[1]:10.0f}{median[2]:16.2f}{median[3]:14.1f}{median[4]:9.1f}", flush=True)


main()
