#!/usr/bin/env python3
"""Limits that need several connections, a clock or another process; LMTP; PROXY; starting and stopping.

usage: limits_test.py DMARCBOX
"""
import os
import pathlib
import resource
import signal
import smtplib
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
import urllib.request

from service import Service, check, report, run_cases, wait_for


class Client:
    """A socket with whole replies."""

    def __init__(self, address, greet=True):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.socket.settimeout(40)
        self.socket.connect(address if isinstance(address, str) else ("127.0.0.1", address))
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply() if greet else ""

    def reply(self):
        lines = []
        while True:
            try:
                line = self.file.readline().decode()
            except ConnectionResetError:
                line = ""
            if not line:
                return "".join(lines) or None
            lines.append(line)
            if line[3:4] != "-":
                return "".join(lines)

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def say(self, line):
        self.send(line + "\r\n")
        return self.reply()

    def to_data(self, hello="EHLO", sender="noreply@reporter.example"):
        self.say(f"{hello} client.example")
        self.say(f"MAIL FROM:<{sender}>")
        self.say("RCPT TO:<rua@reports.example>")
        return self.say("DATA")

    def close(self):
        self.file.close()
        self.socket.close()


def stuffed(mail):
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in mail.split(b"\r\n"))


def connections_of_one_address_are_limited(program):
    with Service(program, "limits_exempt = []\nmax_connections_per_address = 3\n") as service:
        open_ones = [Client(service.port()) for _ in range(3)]
        check(all(c.greeting.startswith("220") for c in open_ones), "first three")
        refused = Client(service.port())
        check(refused.greeting and refused.greeting.startswith("421"), str(refused.greeting))
        open_ones.pop().close()
        check(wait_for(lambda: Client(service.port()).greeting.startswith("220"), 10, 0.2), "a place that was left stays taken")


def exempt_addresses_are_not_limited(program):
    with Service(program, "max_connections_per_address = 2\nmax_connections_per_minute_per_address = 2\n") as service:
        check(all(c.greeting.startswith("220") for c in [Client(service.port()) for _ in range(10)]), "refused")


def connections_in_a_minute_are_limited(program):
    with Service(program, "limits_exempt = []\nmax_connections_per_minute_per_address = 5\n") as service:
        greetings = []
        for _ in range(8):
            client = Client(service.port())
            greetings.append((client.greeting or "")[:3])
            client.close()
        check(greetings[:5] == ["220"] * 5 and set(greetings[5:]) == {"421"}, str(greetings))


def connections_in_all_are_limited(program):
    with Service(program, "max_connections = 5\n") as service:
        greetings = [(c.greeting or "")[:3] for c in [Client(service.port()) for _ in range(8)]]
        check(greetings.count("220") == 5 and set(greetings) == {"220", "421"}, str(greetings))


def a_slow_message_is_ended_after_its_grace(program):
    # 60 s of grace are fixed (smtp.md 1b): the session's length ends it here.
    with Service(program, "session_timeout_seconds = 3\n") as service:
        client = Client(service.port())
        client.to_data()
        begin = time.monotonic()
        def drip():
            try:
                while True:
                    client.send("x")
                    time.sleep(0.2)
            except OSError:
                pass
        threading.Thread(target=drip, daemon=True).start()
        said = client.reply()
        check(said and said.startswith("421") and 2 < time.monotonic() - begin < 10, f"{said} after {time.monotonic() - begin:.1f} s")
        check(service.one("SELECT count(*) FROM messages") == 0, "stored")


def lmtp_answers_once_per_recipient(program):
    with Service(program, "", '[lmtp]\nlisten = ["unix:lmtp.sock", "127.0.0.1:0"]\n') as service:
        for address in str(service.folder / "lmtp.sock"), service.port("lmtp"):
            client = Client(address)
            check(client.say("EHLO x.example").startswith("5"), "EHLO")
            client.say("LHLO x.example")
            client.say("MAIL FROM:<>")
            client.say("RCPT TO:<rua@reports.example>")
            check(client.say("RCPT TO:<no@reports.example>").startswith("550 5.1.1"), "unknown")
            client.say("RCPT TO:<ruf@reports.example>")
            client.say("DATA")
            client.send(stuffed(report(str(address))) + b"\r\n.\r\n")
            check([client.reply()[:9], client.reply()[:9]] == ["250 2.0.0"] * 2, "two recipients, two replies")
            client.say("QUIT")
        check(service.rows("SELECT source, envelope_from, count(*) FROM messages GROUP BY 1, 2") == [("lmtp", "<>", 2)], "rows")
        check(not service.stop(), "exit")
        check(not (service.folder / "lmtp.sock").exists(), "the socket's file stays")


def proxy_headers_are_believed_from_trusted_peers_only(program):
    v2 = (b"\r\n\r\n\x00\r\nQUIT\n\x21\x21\x00\x24" + socket.inet_pton(socket.AF_INET6, "2001:db8::7") + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
          + b"\x9c\x40\x00\x19")
    for header, peer in (b"PROXY TCP4 192.0.2.9 192.0.2.1 40000 25\r\n", "192.0.2.9"), (v2, "2001:db8::7"), (b"PROXY UNKNOWN\r\n", "127.0.0.1"):
        with Service(program, "", '[proxy_protocol]\ntrusted = ["127.0.0.1/32"]\n') as service:
            client = Client(service.port(), greet=False)
            client.send(header)
            check(client.reply().startswith("220"), "greeting")
            client.to_data()
            client.send(stuffed(report(1)) + b"\r\n.\r\n")
            check(client.reply().startswith("250"), "stored")
            check(service.one("SELECT peer_ip FROM messages") == peer, str(service.rows("SELECT peer_ip FROM messages")))
            check(wait_for(lambda: peer in service.log()), service.log())
    with Service(program, "", '[proxy_protocol]\ntrusted = ["192.0.2.1/32"]\n') as service:
        client = Client(service.port())
        said = client.say("PROXY TCP4 192.0.2.9 192.0.2.1 40000 25")
        check(said and said[0] in "45", str(said))
    with Service(program, "", '[proxy_protocol]\ntrusted = ["127.0.0.1/32"]\n') as service:
        client = Client(service.port(), greet=False)
        client.send(b"EHLO no.header.example\r\n")
        check(not (client.reply() or "").startswith("250"), "a trusted proxy without header was served")


def sigterm_lets_a_message_finish_and_tells_the_idle(program):
    with Service(program) as service:
        idle, sending = Client(service.port()), Client(service.port())
        check(sending.to_data().startswith("354"), "354")
        sending.send(stuffed(report(1)))
        time.sleep(0.3)
        service.process.send_signal(signal.SIGTERM)
        check((idle.reply() or "").startswith("421 4.3.2"), "idle")
        time.sleep(0.5)
        sending.send(b"\r\n.\r\n")
        check((sending.reply() or "").startswith("250"), "in DATA")
        check(service.process.wait(30) == 0, "exit")
        check(service.one("SELECT count(*) FROM aggregate_reports") == 1, "stored")
        check([p.name for p in service.folder.glob("reports.db*")] == ["reports.db"], "one file is left")


def a_locked_database_is_451_and_nothing_is_lost(program):
    with Service(program) as service:
        other = sqlite3.connect(service.folder / "reports.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        client = Client(service.port())
        client.to_data()
        begin = time.monotonic()
        client.send(stuffed(report(1)) + b"\r\n.\r\n")
        said = client.reply()
        check(said.startswith("451 4.3."), f"{said} after {time.monotonic() - begin:.1f} s")
        client.say("MAIL FROM:<noreply@reporter.example>")
        client.say("RCPT TO:<rua@reports.example>")
        client.say("DATA")
        client.send(stuffed(report(1)) + b"\r\n.\r\n")
        time.sleep(2)
        other.execute("ROLLBACK")
        other.close()
        check(client.reply().startswith("250"), "after the lock")
        check(service.one("SELECT count(*) FROM messages") == 1, "stored once")


def a_long_reader_does_not_disturb(program):
    with Service(program) as service:
        reader = sqlite3.connect(service.folder / "reports.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchall()
        with smtplib.SMTP("127.0.0.1", service.port()) as client:
            for number in range(50):
                client.sendmail("noreply@reporter.example", ["rua@reports.example"], report(number))
        check(reader.execute("SELECT count(*) FROM messages").fetchone() == (0,), "snapshot")
        reader.close()
        check(service.one("SELECT count(*) FROM messages") == 50, "stored")


def a_full_disk_is_452_and_recovers(program):
    def limit():
        # A file size limit is met as a full disk is (EFBIG instead of ENOSPC), without a disk of our own.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, resource.RLIM_INFINITY))
    service = Service(program)
    try:
        service.start(preexec_fn=limit)
        codes = []
        for number in range(60):
            with smtplib.SMTP("127.0.0.1", service.port()) as client:
                try:
                    client.sendmail("noreply@reporter.example", ["rua@reports.example"], report(number, 200))
                    codes.append("250")
                except smtplib.SMTPSenderRefused as error:  # told at MAIL already
                    codes.append(f"{error.smtp_code}")
                except smtplib.SMTPResponseException as error:
                    codes.append(f"{error.smtp_code}")
        check("452" in codes and set(codes) <= {"250", "452"}, str(sorted(set(codes))))
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        with smtplib.SMTP("127.0.0.1", service.port()) as client:
            client.sendmail("noreply@reporter.example", ["rua@reports.example"], report(1000))
        check(service.one("SELECT count(*) FROM messages") == codes.count("250") + 1, "acknowledged and stored differ")
        check(service.stop() == 0, "exit")
    finally:
        service.__exit__()


def the_same_database_is_served_once(program):
    with Service(program) as service:
        second = subprocess.run([service.program, "serve", "--config", "dmarcbox.toml"], cwd=service.folder, capture_output=True, text=True, timeout=30)
        check(second.returncode == 1 and str(service.process.pid) in second.stderr, second.stderr)


def sockets_come_from_systemd(program):
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(16)
    port = listening.getsockname()[1]

    service = Service(program)
    try:
        service.errors = open(service.folder / "log", "ab")
        # The shell keeps its process id through exec, which LISTEN_PID must name.
        service.process = subprocess.Popen(["sh", "-c", f"exec 3<&{listening.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 exec '{service.program}' "
                                            "serve --config dmarcbox.toml"], cwd=service.folder, stderr=service.errors,
                                           pass_fds=(listening.fileno(),))
        listening.close()
        check(wait_for(lambda: "listening on" in service.log(), 20), service.log())
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("noreply@reporter.example", ["rua@reports.example"], report(1))
        check(service.stop() == 0, "exit")
        check(service.one("SELECT count(*) FROM aggregate_reports") == 1, "stored")
    finally:
        service.__exit__()


def started_as_root_it_becomes_a_user(program):
    if os.getuid() != 0:
        print("      (not root: not tried)")
        return
    service = Service(program, 'user = "nobody"\n')
    try:
        import pwd
        os.chown(service.folder, pwd.getpwnam("nobody").pw_uid, -1)
        service.start()
        status = pathlib.Path(f"/proc/{service.process.pid}/status").read_text()
        uid = [line.split()[1:] for line in status.splitlines() if line.startswith("Uid:")][0]
        check(set(uid) == {str(pwd.getpwnam("nobody").pw_uid)}, f"runs as {uid}")
        with smtplib.SMTP("127.0.0.1", service.port()) as client:
            client.sendmail("noreply@reporter.example", ["rua@reports.example"], report(1))
        check(service.stop() == 0, "exit")
    finally:
        service.__exit__()


def a_large_body_goes_to_a_file_without_a_name(program):
    with Service(program, "max_body_memory_bytes = 1048576\n") as service:
        client = Client(service.port())
        client.to_data()
        client.send(b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n")
        for _ in range(200):
            client.send((b"y" * 998 + b"\r\n") * 100)
        files = [os.readlink(f"/proc/{service.process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{service.process.pid}/fd")]
        check(any("(deleted)" in name for name in files), str(files))
        client.send(b".\r\n")
        check(client.reply().startswith("250"), "stored")
        check(service.one("SELECT size FROM messages") > 20_000_000, "size")


def refused_recipients_are_counted_in_the_database(program):
    with Service(program) as service:
        client = Client(service.port())
        client.say("EHLO x.example")
        client.say("MAIL FROM:<a@b.example>")
        client.say("RCPT TO:<nobody@reports.example>")
        client.say("RCPT TO:<user@elsewhere.example>")
        client.say("QUIT")
        check(service.stop() == 0, "exit")
        rows = service.rows("SELECT reason, domain, count FROM refusals ORDER BY 1")
        check(len(rows) == 2 and {row[2] for row in rows} == {1}, str(rows))


def clients_that_reset_or_half_close_leave_nothing_behind(program):
    hello = b"EHLO x.example\r\n"
    envelope = hello + b"MAIL FROM:<a@b.example>\r\nRCPT TO:<rua@reports.example>\r\n"
    message = stuffed(report(1)) + b"\r\n"
    states = [b"", b"EHL", hello, envelope, envelope + b"DATA\r\n", envelope + b"DATA\r\n" + message, envelope + b"DATA\r\n" + message + b".\r\n",
              hello + b"STARTTLS\r\n", hello + b"STARTTLS\r\n\x16\x03\x01\x02\x00\x01\x00", hello + b"BDAT 10\r\n", hello + b"HELP\r\n" * 90]

    def leave(client, how):
        if how == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "half-close":
            client.shutdown(socket.SHUT_WR)
            client.settimeout(5)
            try:
                while client.recv(65536):
                    pass
            except ConnectionResetError:
                pass
        client.close()

    def sessions(port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return [line for line in text.splitlines() if line.startswith(("dmarcbox_smtp_sessions ", "dmarcbox_smtp_body_memory_bytes "))]
    rest = '[smtp.tls]\ncertificate = "certificate.pem"\nkey = "certificate.key"\n[metrics]\nlisten = "127.0.0.1:0"\n'
    with Service(program, "", rest) as service:
        for how in "reset", "close", "half-close":
            for sent in states:
                for pause in 0, 0.01, 0.05:
                    client = socket.create_connection(("127.0.0.1", service.port()), 10)
                    try:
                        client.sendall(sent)
                        time.sleep(pause)
                        leave(client, how)
                    except OSError:
                        pass  # the service was faster
        check(wait_for(lambda: sessions(service.port("http")) == ["dmarcbox_smtp_sessions 0", "dmarcbox_smtp_body_memory_bytes 0"], 20, 0.5),
              str(sessions(service.port("http"))))
        check(service.one("SELECT count(*) FROM aggregate_reports") == 1, "the report sent again and again is there once")
        check(service.stop() == 0, "exit")


if __name__ == "__main__":
    sys.exit(run_cases([connections_of_one_address_are_limited, exempt_addresses_are_not_limited, connections_in_a_minute_are_limited,
                        connections_in_all_are_limited, a_slow_message_is_ended_after_its_grace, lmtp_answers_once_per_recipient,
                        proxy_headers_are_believed_from_trusted_peers_only, sigterm_lets_a_message_finish_and_tells_the_idle,
                        a_locked_database_is_451_and_nothing_is_lost, a_long_reader_does_not_disturb, a_full_disk_is_452_and_recovers,
                        the_same_database_is_served_once, sockets_come_from_systemd, started_as_root_it_becomes_a_user,
                        a_large_body_goes_to_a_file_without_a_name, refused_recipients_are_counted_in_the_database,
                        clients_that_reset_or_half_close_leave_nothing_behind]))
