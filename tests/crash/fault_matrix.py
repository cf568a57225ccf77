#!/usr/bin/env python3
"""Does to a running service what machines and people do to it, and compares what was answered 250 with what is stored.

usage: fault_matrix.py DMARCBOX [--rounds N] [--only NAME]

Senders repeat each report until it is answered 250, before, during and after the fault. A row of the table is good if nothing
acknowledged is lost or stored twice, the service lives (and ends with 0), mail is taken again after the fault, and the log names
what was wrong from its beginning on.
"""
import argparse
import os
import pathlib
import resource
import signal
import smtplib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from service import Service, check, report, wait_for  # noqa: E402

SENDERS = 4


class Load:
    """Senders that repeat a report until it is answered 250."""

    def __init__(self, service, records=3):
        self.port, self.records = service.port(), records
        self.lock, self.next = threading.Lock(), 0
        self.acknowledged, self.refused = [], {}
        self.ended = False
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.ended:
            with self.lock:
                self.next += 1
                number = self.next
            while True:
                try:
                    with smtplib.SMTP("127.0.0.1", self.port, timeout=15) as client:
                        client.sendmail("noreply@reporter.example", ["rua@reports.example"], report(number, self.records))
                    with self.lock:
                        self.acknowledged.append(number)
                    break
                except smtplib.SMTPResponseException as error:
                    code = error.smtp_code
                except smtplib.SMTPRecipientsRefused as error:
                    code = next(iter(error.recipients.values()))[0]
                except (OSError, smtplib.SMTPException):
                    code = 0
                with self.lock:
                    self.refused[code] = self.refused.get(code, 0) + 1
                if self.ended:
                    return
                time.sleep(0.05)

    def count(self):
        with self.lock:
            return len(self.acknowledged)

    def progress(self, more=20, seconds=30):
        before = self.count()
        check(wait_for(lambda: self.count() >= before + more, seconds), f"no mail is taken: {self.refused}")

    def end(self):
        self.ended = True
        for thread in self.threads:
            thread.join(70)


def soft_limit(service, what, value):
    hard = resource.prlimit(service.process.pid, what)[1]
    resource.prlimit(service.process.pid, what, (value, hard))


def reload(service, word):
    seen = len(service.log())
    service.process.send_signal(signal.SIGHUP)
    check(wait_for(lambda: word in service.log()[seen:]), f"no {word} in the log")


def stalled_writer(service, load):
    other = sqlite3.connect(service.folder / "reports.db", isolation_level=None, timeout=20)
    other.execute("BEGIN EXCLUSIVE")
    time.sleep(30)
    other.execute("ROLLBACK")
    other.close()
    return "deferred"


def no_descriptors(service, load):
    used = len(list(pathlib.Path(f"/proc/{service.process.pid}/fd").iterdir()))
    soft = resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)[0]
    soft_limit(service, resource.RLIMIT_NOFILE, used + 2)
    clients = [socket.create_connection(("127.0.0.1", service.port())) for _ in range(60)]
    time.sleep(3)
    for client in clients:
        client.close()
    soft_limit(service, resource.RLIMIT_NOFILE, soft)
    return "event=accept-failed"


def full_disk(service, load):
    size = max(p.stat().st_size for p in service.folder.glob("reports.db*"))
    soft_limit(service, resource.RLIMIT_FSIZE, size + 65536)
    check(wait_for(lambda: load.refused.get(452, 0) > 5, 30), f"the disk is full, but nobody is told: {load.refused}")
    soft_limit(service, resource.RLIMIT_FSIZE, resource.RLIM_INFINITY)
    return "452 4.3.1"


def no_memory(service, load):
    size = int(next(l for l in open(f"/proc/{service.process.pid}/status") if l.startswith("VmSize")).split()[1]) * 1024
    soft_limit(service, resource.RLIMIT_AS, size + 65536)
    big = report(f"big-{time.monotonic()}", 20000)
    codes = set()
    for _ in range(3):
        try:
            with smtplib.SMTP("127.0.0.1", service.port(), timeout=5) as client:
                client.sendmail("noreply@reporter.example", ["ruf@reports.example"], big)
            codes.add(250)
        except smtplib.SMTPResponseException as error:
            codes.add(error.smtp_code)
        except (OSError, smtplib.SMTPException):
            codes.add(0)
    soft_limit(service, resource.RLIMIT_AS, resource.RLIM_INFINITY)
    check(codes <= {0, 250, 421, 451, 452}, f"a permanent refusal for a fault of ours: {codes}")
    check(codes != {250}, "there was memory for all")
    return "std::bad_alloc"


def rubbish_configuration(service, load):
    path = service.folder / "dmarcbox.toml"
    good = path.read_bytes()
    for rubbish in b"[smtp\nlisten = \xff\xfe", b"", b"[smtp]\naccept = 7\n", good[:40]:
        path.write_bytes(rubbish)
        reload(service, "reload-failed")
    path.unlink()
    reload(service, "reload-failed")
    path.write_bytes(good)
    reload(service, "event=reloaded")
    return "reload-failed"


def rubbish_certificate(service, load):
    path = service.folder / "certificate.pem"
    good = path.read_bytes()
    for rubbish in b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", good[:100]:
        path.write_bytes(rubbish)
        reload(service, "reload-failed")
    with smtplib.SMTP("127.0.0.1", service.port(), timeout=20) as client:
        client.starttls()
    path.write_bytes(good)
    reload(service, "event=reloaded")
    return "certificate"


def suspended(service, load):
    service.process.send_signal(signal.SIGSTOP)
    time.sleep(5)
    service.process.send_signal(signal.SIGCONT)
    return ""  # it could know of nothing to tell


def small_disk(service, load):
    """A file system that is full for everybody: something else filled it."""
    ballast = service.folder / "disk" / "ballast"
    file = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(file, bytes(4096))
    except OSError:
        os.close(file)
    check(wait_for(lambda: load.refused.get(452, 0) > 20, 60), f"the disk is full, but nobody is told: {load.refused}")
    check(os.statvfs(ballast).f_bavail < 100, "there is room on the disk")
    ballast.unlink()
    return "452 4.3.1"


def set_clock(service, offset):
    new = service.folder / "clock.new"
    new.write_text(f"{offset}\n")
    new.rename(service.folder / "clock")


def under_clock(service):
    return {**os.environ, "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(service.folder / "clock"),
            "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}


def clock_jumps(service, load):
    """A year ahead, a year back, and home. Timers go on, and retention takes what its rule says at that time and nothing else."""

    def prune():
        done = subprocess.run([service.program, "prune", "--config", "dmarcbox.toml"], cwd=service.folder, env=under_clock(service),
                              capture_output=True, text=True)
        check(done.returncode == 0, f"prune: {done.stderr}")

    def idle_session():
        client = smtplib.SMTP("127.0.0.1", load.port, timeout=30)
        client.ehlo()
        return client

    def jump(offset):
        seen, client = len(service.log()), idle_session()
        set_clock(service, offset)
        load.progress()
        check(client.noop()[0] == 250, f"a session ends when the clock is set by {offset}")
        check(wait_for(lambda: "event=clock-set" in service.log()[seen:], 25), "the log does not tell that the clock was set")
        load.progress()
        # It has to go after IDLE seconds that passed, whatever the clock says.
        try:
            client.sock.settimeout(IDLE + 10)
            check(client.getreply()[0] == 421, "an idle session is not ended")
        except smtplib.SMTPServerDisconnected:
            pass
        client.close()

    def originals(where):
        return service.one(f"SELECT count(*) FROM originals o JOIN messages m ON m.id = o.message_id WHERE {where}")

    now = int(time.time())
    jump("+366d")
    ahead = f"m.received_at > {now + 365 * 86400}"
    before = originals(ahead)
    prune()
    check(originals(ahead) >= before > 0, "retention removed what came today")
    check(originals(f"m.received_at < {now - 60}") == 0, "retention did not remove what is a year old")
    jump("-366d")
    before = originals("true")
    prune()
    check(originals("true") >= before > 0, "retention removed what is of the future")
    check(originals(f"m.received_at < {now - 365 * 86400}") > 0, "nothing was received a year ago")
    check(service.one("SELECT count(*) FROM aggregate_reports WHERE pruned_at IS NOT NULL") == 0, "retention removed a report")
    jump("+0d")
    return "clock-set"


FAULTS = {f.__name__: f for f in (stalled_writer, no_descriptors, full_disk, small_disk, no_memory, rubbish_configuration,
                                  rubbish_certificate, suspended, clock_jumps)}
FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
IDLE = 12


def reason_to_leave_out(fault, sanitized):
    if fault is no_memory and sanitized:
        return "the program is built with sanitizers"
    if fault is clock_jumps and sanitized:
        return "the program is built with sanitizers, which want to be loaded first"
    if fault is clock_jumps and FAKETIME is None:
        return "libfaketime is not installed"
    if fault is small_disk:
        with tempfile.TemporaryDirectory() as folder:
            if not mount(folder):
                return "mounting a file system needs root"
            subprocess.run(["umount", folder], check=True)
    return None


def mount(folder):
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0


def prepared(program, fault):
    """The service that the fault is done to, and what it is started with."""
    options = {"preexec_fn": ignore_file_size_signal}
    tls = '[smtp.tls]\ncertificate = "certificate.pem"\nkey = "certificate.key"\n'
    if fault is small_disk:
        # The program's own watch over free space is another matter: here SQLite has to meet the end of it.
        service = Service(program, rest="min_free_bytes = 0\n" + tls, database="disk/reports.db")
        (service.folder / "disk").mkdir()
        check(mount(service.folder / "disk"), "no file system of its own")
    elif fault is clock_jumps:
        service = Service(program, smtp=f"idle_timeout_seconds = {IDLE}\n", rest=tls)
        set_clock(service, "+0d")
        options["env"] = under_clock(service)
    else:
        service = Service(program, rest=tls)
    return service, options


def ignore_file_size_signal():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def one_round(program, fault):
    (service, options), load = prepared(program, fault), None
    try:
        service.start(**options)
        load = Load(service)
        load.progress()
        before = len(service.log())
        said = fault(service, load)
        load.progress()
        load.end()
        check(service.process.poll() is None, f"the service ended with {service.process.returncode}")
        check(said in service.log()[before:], f"the log does not say \"{said}\"")
        check(service.stop() == 0, "SIGTERM did not end it with 0")
        stored = [row[0] for row in service.rows("SELECT report_id FROM aggregate_reports")]
        lost = {f"e2e-{number}" for number in load.acknowledged} - set(stored)
        doubled = len(stored) - len(set(stored))
        verified = subprocess.run([service.program, "verify", "--db", service.folder / service.database], capture_output=True, text=True)
        check(verified.returncode == 0, f"verify: {verified.stdout}")
        check(not lost and not doubled, f"lost {len(lost)}, doubled {doubled}")
        refused = sum(n for code, n in load.refused.items())
        return len(load.acknowledged), len(lost), doubled, refused
    except AssertionError:
        print(service.log()[-1500:], file=sys.stderr)
        raise
    finally:
        if load:
            load.ended = True
        if service.process and service.process.poll() is None:
            service.stop()
        subprocess.run(["umount", "-q", service.folder / "disk"], capture_output=True)
        service.__exit__()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=FAULTS)
    parser.add_argument("--sanitized", action="store_true", help="leave out what a sanitizer's allocator cannot survive")
    options = parser.parse_args()
    bad = 0
    print(f"{'fault':24} {'rounds':>6} {'acknowledged':>12} {'refused':>8} {'lost':>5} {'doubled':>7}")
    for name, fault in FAULTS.items():
        if options.only not in (None, name):
            continue
        why = reason_to_leave_out(fault, options.sanitized)
        if why:
            print(f"{name.replace('_', ' '):24} left out: {why}", flush=True)
            continue
        sums = [0, 0, 0, 0]
        try:
            for _ in range(options.rounds):
                sums = [a + b for a, b in zip(sums, one_round(options.program, fault))]
            acknowledged, lost, doubled, refused = sums
            print(f"{name.replace('_', ' '):24} {options.rounds:6} {acknowledged:12} {refused:8} {lost:5} {doubled:7}", flush=True)
        except AssertionError as error:
            bad += 1
            print(f"{name.replace('_', ' '):24} FAILED: {error}", flush=True)
    return 1 if bad else 0


sys.exit(main())
