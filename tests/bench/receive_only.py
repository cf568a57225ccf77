#!/usr/bin/env python3
"""Receiving alone, durable: dmarcbox beside a private Postfix, by Postfix's own smtp-source, 10 KB a message on kept connections.

usage: receive_only.py DMARCBOX [--messages 3000] [--rounds 3]      needs root (Postfix does)

Postfix queues and delivers nothing; dmarcbox stores each message as `other`. Both sync before 250. Prints messages/s.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from postfix_test import Postfix  # noqa: E402
from service import Service, need, wait_for  # noqa: E402


def rate(port, sessions, messages):
    begin = time.monotonic()
    subprocess.run(["/usr/sbin/smtp-source", "-d", "-s", str(sessions), "-m", str(messages), "-l", "10240", "-f", "noreply@reporter.example",
                    "-t", "rua@reports.example", f"127.0.0.1:{port}"], check=True, timeout=300)
    return messages / (time.monotonic() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    need("postfix", "smtp-source")
    print("sessions  Postfix/s  dmarcbox/s  ratio")
    for sessions in 1, 20, 200:
        messages = options.messages // 3 if sessions == 1 else options.messages
        postfix_rates, our_rates = [], []
        for _ in range(options.rounds):
            with Postfix("smtp:[127.0.0.1]:1") as postfix:
                subprocess.run(["postconf", "-c", postfix.etc, "-e", "defer_transports=smtp", "default_process_limit=250",
                                "smtpd_client_connection_count_limit=0"], check=True)
                subprocess.run(["postfix", "-c", postfix.etc, "reload"], check=True, capture_output=True)
                wait_for(postfix.listens)
                postfix_rates.append(rate(postfix.port, sessions, messages))
            with Service(options.program) as service:
                our_rates.append(rate(service.port(), sessions, messages))
                stored = service.one("SELECT count(*) FROM messages")
                if stored != messages:
                    sys.exit(f"{stored} of {messages} stored")
        theirs, ours = statistics.median(postfix_rates), statistics.median(our_rates)
        print(f"{sessions:8d}{theirs:11.0f}{ours:12.0f}{ours / theirs:7.2f}", flush=True)


main()
