#!/usr/bin/env python3
"""Runs the unit's command in a root folder as systemd would: user, capability, working folder, notification socket.

usage: run_unit.py ROOT COMMAND MAILS SAMPLE.eml      in a network namespace of its own
Waits for READY=1 and one WATCHDOG=1, sends the sample by curl to port 25, ends the service by SIGTERM.
"""
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import sys
import time


def main():
    root, command, mails, sample = sys.argv[1], shlex.split(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(f"{root}/run/notify")
    os.chmod(f"{root}/run/notify", 0o666)
    notify.settimeout(20)
    cap = "+net_bind_service"
    service = subprocess.Popen(
        ["chroot", root, "setpriv", "--reuid=dmarcbox", "--regid=dmarcbox", "--clear-groups", "--no-new-privs",
         f"--inh-caps=-all,{cap}", f"--ambient-caps=-all,{cap}", f"--bounding-set=-all,{cap}",
         "env", "-i", "-C", "/var/lib/dmarcbox", "PATH=/usr/bin:/bin", "NOTIFY_SOCKET=/run/notify", "WATCHDOG_USEC=2000000",
         "sh", "-c", "umask 0027; exec \"$@\"", "sh", *command], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        heard = ""
        deadline = time.monotonic() + 20
        while not ("READY=1" in heard and "WATCHDOG=1" in heard):
            if time.monotonic() > deadline or service.poll() is not None:
                sys.exit(f"no READY=1 and WATCHDOG=1, heard: {heard!r}")
            try:
                heard += notify.recv(4096).decode() + "\n"
            except TimeoutError:
                continue
        with socket.create_connection(("127.0.0.1", 25), 5) as client:
            greeting = client.recv(200)
        if not greeting.startswith(b"220 mx.reports.example ESMTP"):
            sys.exit(f"greeting: {greeting!r}")
        for _ in range(mails):
            subprocess.run(["curl", "--silent", "--show-error", "--max-time", "20", "--url", "smtp://127.0.0.1:25",
                            "--mail-from", "noreply@reporter.example", "--mail-rcpt", "rua@reports.example",
                            "--upload-file", sample], check=True)
    finally:
        service.send_signal(signal.SIGTERM)
        try:
            _, log = service.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            service.kill()
            _, log = service.communicate()
        pathlib.Path(f"{root}/run/notify").unlink()
        if service.returncode != 0:
            print(log, file=sys.stderr)
    if service.returncode != 0:
        sys.exit(f"the service ended with {service.returncode}")


if __name__ == "__main__":
    main()
