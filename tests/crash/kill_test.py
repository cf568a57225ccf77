#!/usr/bin/env python3
"""Promise 1: 250 means committed. Kills the service with SIGKILL at random moments under load, restarts it, lets the
senders try again what was not answered, and compares what was acknowledged with what is stored.

usage: kill_test.py DMARCBOX [--rounds 100] [--senders 6] [--seed N]

Each round lasts at most half a second of load; beside the service an import runs, and a reprocess or a prune, which die with
it. At the end: every mail answered 250 is stored (lost 0), the files that were imported are too, every report is there once and
counted once, whatever was sent again and removed since (doubled 0), and `dmarcbox verify` agrees.
"""
import argparse
import base64
import gzip
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

DAY = 86400
BEGIN = 1767225600
IMPORTED = 1_000_000  # numbers of mails that come as files
FILES = 150


def mail(number):
    """One aggregate report with three records and 6 + number % 7 messages, unique by its report id."""
    domain = f"customer{number % 5}.example"
    begin = BEGIN + DAY * (number % 20)
    counts = [1, 2, 3 + number % 7]
    records = "".join(
        f"<record><row><source_ip>192.0.2.{i + number % 200}</source_ip><count>{count}</count><policy_evaluated>"
        f"<disposition>none</disposition><dkim>{'pass' if i else 'fail'}</dkim><spf>fail</spf></policy_evaluated></row>"
        f"<identifiers><header_from>{domain}</header_from></identifiers><auth_results/></record>"
        for i, count in enumerate(counts))
    xml = (f"<feedback><report_metadata><org_name>Reporter {number % 11}</org_name><email>r@reporter.example</email>"
           f"<report_id>crash-{number}</report_id><date_range><begin>{begin}</begin><end>{begin + DAY - 1}</end></date_range>"
           f"</report_metadata><policy_published><domain>{domain}</domain><p>none</p></policy_published>{records}</feedback>")
    body = base64.encodebytes(gzip.compress(xml.encode(), mtime=0)).replace(b"\n", b"\r\n")
    return (f"From: r@reporter.example\r\nTo: rua@reports.example\r\nSubject: report {number}\r\n"
            f"Message-ID: <{number}@reporter.example>\r\nContent-Type: application/gzip\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n").encode() + body, sum(counts)


class Sender(threading.Thread):
    """Sends numbers from the shared list until the connection breaks; notes which were answered 250."""

    wrong = []  # replies to all senders that make a reporter give up

    def __init__(self, port, take, acknowledged, again):
        super().__init__(daemon=True)
        self.port, self.take, self.acknowledged, self.again = port, take, acknowledged, again

    def run(self):
        number = None
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
                lines = connection.makefile("rb")

                def expect(code):
                    while True:
                        line = lines.readline()
                        if not line:
                            raise ConnectionError
                        if line[3:4] != b"-":
                            if line[:3] != code:
                                raise ValueError(line.decode(errors="replace"))
                            return

                expect(b"220")
                connection.sendall(b"EHLO crash.example\r\n")
                expect(b"250")
                while True:
                    number = self.take()
                    content, _ = mail(number)
                    connection.sendall(b"MAIL FROM:<>\r\nRCPT TO:<rua@reports.example>\r\nDATA\r\n")
                    expect(b"250")
                    expect(b"250")
                    expect(b"354")
                    connection.sendall(content + b".\r\n")
                    expect(b"250")
                    self.acknowledged.append(number)
                    number = None
        except (OSError, ConnectionError):
            if number is not None:
                self.again.append(number)
        except ValueError as error:
            if not str(error).startswith("4"):
                self.wrong.append(str(error).strip())
            if number is not None:
                self.again.append(number)


def start(binary, db, log):
    process = subprocess.Popen([binary, "serve", "--listen", "127.0.0.1:0", "--db", db, "--accept", "rua@reports.example"],
                               stderr=subprocess.PIPE, text=True, errors="replace", cwd=db.parent)
    for line in process.stderr:
        log.append(line)
        if "listening on 127.0.0.1:" in line:
            port = int(line.rsplit("127.0.0.1:", 1)[1].split()[0].strip('"'))
            threading.Thread(target=lambda: log.extend(process.stderr), daemon=True).start()
            return process, port
    sys.exit("the service did not start:\n" + "".join(log[-20:]))


def beside(binary, folder, rng):
    """Other writers of the same file."""
    db = ["--db", folder / "crash.db"]
    commands = [["import", "--quiet", *db, folder / "files"],
                # All reports are older than a day: records go, sums and what is known of them stay.
                rng.choice([["reprocess", "--all", *db], ["prune", *db, "--config", folder / "prune.toml"]])]
    return [subprocess.Popen([binary, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
            for command in commands]


def run_to_end(binary, command, codes):
    done = subprocess.run([binary, *command], capture_output=True, text=True)
    if done.returncode not in codes:
        sys.exit(f"{command[0]} ends with {done.returncode}: {done.stdout}{done.stderr}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--senders", type=int, default=6)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    rng = random.Random(seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dmarcbox-crash-"))
    db = folder / "crash.db"
    log, acknowledged, again, lock, state = [], [], [], threading.Lock(), {"next": 0}

    def take():
        with lock:
            if again:
                return again.pop()
            state["next"] += 1
            return state["next"]

    binary, cut_short = options.binary.resolve(), 0
    (folder / "files").mkdir()
    for number in range(IMPORTED, IMPORTED + FILES):
        (folder / "files" / f"{number}.eml").write_bytes(mail(number)[0])
    (folder / "prune.toml").write_text("[retention]\nreports_days = 1\n")

    for _ in range(options.rounds):
        process, port = start(binary, db, log)
        others = beside(binary, folder, rng)
        senders = [Sender(port, take, acknowledged, again) for _ in range(options.senders)]
        for sender in senders:
            sender.start()
        time.sleep(rng.uniform(0.005, 0.5))
        cut_short += sum(other.poll() is None for other in others)
        for victim in [process, *others]:
            victim.kill()
        for victim in [process, *others]:
            victim.wait()
        for sender in senders:
            sender.join(20)

    # The last round ends in order, after what is left was sent again.
    process, port = start(binary, db, log)
    run_to_end(binary, ["import", "--quiet", "--db", db, folder / "files"], {0})
    run_to_end(binary, ["reprocess", "--all", "--db", db], {0})
    run_to_end(binary, ["prune", "--db", db, "--config", folder / "prune.toml"], {0})
    while again:
        rest = Sender(port, lambda: again.pop() if again else (_ for _ in ()).throw(ConnectionError()), acknowledged, [])
        rest.start()
        rest.join(20)
    if not acknowledged or Sender.wrong:
        sys.exit(f"{len(acknowledged)} mails answered 250, wrong replies {Sender.wrong[:5]}")
    acknowledged.extend(range(IMPORTED, IMPORTED + FILES))
    process.send_signal(signal.SIGTERM)
    if process.wait(40) != 0:
        sys.exit(f"the service ended with {process.returncode} after SIGTERM")
    leftovers = [p.name for p in folder.iterdir() if p.name.endswith("-wal") or p.name.endswith("-shm")]

    with sqlite3.connect(db) as connection:
        stored = [row[0] for row in connection.execute("SELECT report_id FROM aggregate_reports")]
        counted = connection.execute("SELECT count(*) FROM aggregate_reports WHERE counted = 1").fetchone()[0]
        total = connection.execute("SELECT coalesce(sum(messages), 0) FROM day_totals").fetchone()[0]
        resent = connection.execute("SELECT count(*) FROM messages WHERE outcome = 'duplicate'").fetchone()[0]
    lost = {f"crash-{n}" for n in acknowledged} - set(stored)
    doubled = len(stored) - len(set(stored))
    expected = sum(mail(int(report_id.split("-")[1]))[1] for report_id in set(stored))
    verify = subprocess.run([options.binary, "verify", "--db", db], capture_output=True, text=True)
    print(f"seed {seed}: {options.rounds} kills of the service, {cut_short} of others, {len(acknowledged)} acknowledged, {len(set(stored))} reports stored, "
          f"{resent} re-sent recognised, lost {len(lost)}, doubled {doubled}, "
          f"messages {total} of {expected}, verify {verify.returncode}, leftover files {leftovers}")
    good = not lost and not doubled and counted == len(stored) and total == expected and verify.returncode == 0 and not leftovers
    if not good:
        print(verify.stdout + verify.stderr + "".join(log[-20:]), file=sys.stderr)
        print(f"database kept in {folder}", file=sys.stderr)
        sys.exit(1)
    shutil.rmtree(folder)


main()
