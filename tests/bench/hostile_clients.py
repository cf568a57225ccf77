#!/usr/bin/env python3
"""How the service stands bad company, and what an idle connection costs. Loopback only; ends by itself in 40 s.

usage: hostile_clients.py DMARCBOX [--seconds 15]

First 300 clients that send a byte a second, 50 that send commands and never read a reply, and 100 new connections a second
that leave at once, while one good client sends 200 reports; then 2,000 idle connections. Prints one line for each.
Exit 1 if a good message was not answered 250.
"""
import argparse
import pathlib
import resource
import smtplib
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from service import Service, report  # noqa: E402

GOOD = 200


def memory(process, field):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field)) / 1024


def connect(port):
    made = socket.create_connection(("127.0.0.1", port), 10)
    made.setblocking(False)
    return made


def send_slowly(port, stop):
    script = (b"EHLO slow.example\r\nMAIL FROM:<a@slow.example>\r\nRCPT TO:<rua@reports.example>\r\nDATA\r\n" + b"x" * 100)
    clients = [connect(port) for _ in range(300)]
    at = 0
    while not stop.wait(1):
        for client in clients:
            try:
                client.send(script[at:at + 1])
            except OSError:
                pass
        at += 1


def never_read(port, stop):
    clients = []
    for _ in range(50):
        client = connect(port)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        clients.append(client)
    while not stop.wait(0.05):
        for client in clients:
            try:
                client.send(b"HELP\r\n" * 200)
            except OSError:
                pass


def connect_and_leave(port, stop, count):
    while not stop.wait(0.01):
        try:
            connect(port).close()
            count[0] += 1
        except OSError:
            pass


def bad_company(program, seconds):
    with Service(program) as service:
        port, stop, connects = service.port(), threading.Event(), [0]
        threads = [threading.Thread(target=send_slowly, args=(port, stop)), threading.Thread(target=never_read, args=(port, stop)),
                   threading.Thread(target=connect_and_leave, args=(port, stop, connects))]
        for thread in threads:
            thread.start()
        time.sleep(1)
        begin, times, failed = time.monotonic(), [], 0
        for number in range(GOOD):
            wait = begin + number * seconds / GOOD - time.monotonic()
            time.sleep(max(0, wait))
            started = time.monotonic()
            try:
                with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
                    client.sendmail("noreply@reporter.example", ["rua@reports.example"], report(number))
                times.append((time.monotonic() - started) * 1000)
            except (OSError, smtplib.SMTPException):
                failed += 1
        took = time.monotonic() - begin
        stop.set()
        for thread in threads:
            thread.join()
        times.sort()
        stored = service.one("SELECT count(*) FROM aggregate_reports")
        print(f"bad company: {GOOD - failed} of {GOOD} good messages answered 250 ({stored} stored) in {took:.1f} s beside {connects[0]} connects, "
              f"whole session p50 {statistics.median(times):.1f} ms, p99 {times[int(len(times) * .99) - 1]:.1f} ms; "
              f"peak memory {memory(service.process, 'VmHWM'):.1f} MiB")
        return failed == 0 and stored == GOOD


def idle_connections(program, count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 200)), hard))
    with Service(program, f"max_connections = {count + 100}\n") as service:
        port = service.port()
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("noreply@reporter.example", ["rua@reports.example"], report(0))
        before = memory(service.process, "VmRSS")
        clients = [connect(port) for _ in range(count)]
        for client in clients:
            client.settimeout(10)
            client.recv(200)
            client.send(b"EHLO idle.example\r\n")
        for client in clients:
            client.recv(1000)
        after = memory(service.process, "VmRSS")
        times = []
        for _ in range(50):
            started = time.monotonic()
            fresh = socket.create_connection(("127.0.0.1", port), 10)
            fresh.recv(200)
            times.append((time.monotonic() - started) * 1000)
            fresh.close()
        print(f"idle: {count} connections after EHLO, {(after - before) * 1024 / count:.1f} KiB each ({before:.1f} to {after:.1f} MiB); a new client is "
              f"greeted in {statistics.median(times):.2f} ms (median of 50), {max(times):.2f} ms at most")
        for client in clients:
            client.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--idle", type=int, default=2000)
    options = parser.parse_args()
    good = bad_company(options.program, options.seconds)
    idle_connections(options.program, options.idle)
    sys.exit(0 if good else 1)


main()
