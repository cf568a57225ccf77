#!/usr/bin/env python3
"""A private Postfix in front: it relays 200 reports by SMTP with STARTTLS, and 200 by LMTP over a unix socket.

usage: postfix_test.py DMARCBOX      exit 77: no Postfix, or not root, which Postfix wants (skipped)
"""
import os
import pathlib
import pwd
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

from service import SKIPPED, Service, check, need, report, run_cases, wait_for

REPORTS = 200


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postfix:
    """An instance of its own in a temporary folder: no file of the system's Postfix is read or written."""

    def __init__(self, transport):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dmarcbox-postfix-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        etc, queue, data = (self.folder / name for name in ("etc", "queue", "data"))
        for path in etc, queue, data:
            path.mkdir()
        os.chown(data, pwd.getpwnam("postfix").pw_uid, 0)
        (etc / "main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.example
mydestination =
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8
relay_domains = reports.example
transport_maps = inline:{{{{reports.example = {transport}}}}}
smtp_tls_security_level = may
lmtp_tls_security_level = may
smtp_dns_support_level = disabled
alias_maps =
maillog_file = /dev/stdout
minimal_backoff_time = 300s
""")
        (etc / "master.cf").write_text(f"""127.0.0.1:{self.port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
""")
        self.etc = etc

    def __enter__(self):
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(["postfix", "-c", self.etc, "start-fg"], stdout=self.log, stderr=self.log)
        check(wait_for(self.listens, 30), f"Postfix does not start:\n{self.text()}")
        return self

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def text(self):
        return (self.folder / "log").read_text(errors="replace")

    def __exit__(self, *_):
        subprocess.run(["postfix", "-c", self.etc, "stop"], capture_output=True, check=False)
        self.process.wait(30)
        self.log.close()
        subprocess.run(["rm", "-rf", self.folder], check=True)


def relay(service, transport, protocol):
    with Postfix(transport) as postfix:
        with smtplib.SMTP("127.0.0.1", postfix.port) as client:
            for number in range(REPORTS):
                client.sendmail("noreply@reporter.example", ["rua@reports.example"], report(number))
        done = wait_for(lambda: service.one("SELECT count(*) FROM messages") >= REPORTS, 90, 0.2)
        check(done, f"{service.one('SELECT count(*) FROM messages')} of {REPORTS} arrived\n{service.log()[-2000:]}\n{postfix.text()[-2000:]}")
        time.sleep(0.5)  # a mail that comes twice would come now
        queue = subprocess.run(["postqueue", "-c", postfix.etc, "-p"], capture_output=True, text=True).stdout
        check("empty" in queue, queue)
    check(service.rows("SELECT count(*), count(DISTINCT report_id), sum(counted) FROM aggregate_reports") == [(REPORTS,) * 3], "each once")
    check(service.rows("SELECT source, outcome, count(*) FROM messages GROUP BY 1, 2") == [(protocol, "report", REPORTS)], "receipts")


def reports_by_smtp_with_starttls(program):
    with Service(program, "", '[smtp.tls]\ncertificate = "certificate.pem"\nkey = "certificate.key"\n') as service:
        relay(service, f"smtp:[127.0.0.1]:{service.port()}", "smtp")
        check(service.one("SELECT count(*) FROM messages WHERE tls LIKE 'TLSv1.%'") == REPORTS, "in the clear")


def reports_by_lmtp(program):
    # Postfix's client runs as user postfix: the socket's folder must let it in.
    with tempfile.TemporaryDirectory(prefix="dmarcbox-lmtp-") as folder:
        os.chmod(folder, 0o755)
        path = pathlib.Path(folder, "lmtp.sock")
        with Service(program, "", f'[lmtp]\nlisten = ["unix:{path}"]\n') as service:
            check(wait_for(path.is_socket, 5), "no socket")
            os.chmod(path, 0o777)
            relay(service, f"lmtp:unix:{path}", "lmtp")


if __name__ == "__main__":
    need("postfix", "openssl")
    if os.getuid() != 0:
        print("skipped: Postfix starts as root only")
        sys.exit(SKIPPED)
    sys.exit(run_cases([reports_by_smtp_with_starttls, reports_by_lmtp]))
