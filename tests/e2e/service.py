"""The program under test as a service, and report mails to send to it (standard library only)."""
import base64
import gzip
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def need(*tools):
    """Ends the test as skipped if a tool is not installed."""
    for tool in tools:
        if shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin") is None:
            print(f"skipped: {tool} is not installed")
            sys.exit(SKIPPED)


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def wait_for(what, seconds=15, step=0.05):
    """The first true result of what(); None after that many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = what()
        if result:
            return result
        time.sleep(step)
    return None


def report(number, records=2, reporter="reporter.example", domain="example.org"):
    """A mail with one aggregate report; the number tells reports apart."""
    rows = "".join(
        f"<record><row><source_ip>192.0.2.{i + 1}</source_ip><count>{i + 1}</count><policy_evaluated>"
        "<disposition>none</disposition><dkim>pass</dkim><spf>pass</spf></policy_evaluated></row>"
        f"<identifiers><header_from>{domain}</header_from></identifiers><auth_results><spf><domain>{domain}</domain>"
        "<result>pass</result></spf></auth_results></record>" for i in range(records))
    xml = (f"<?xml version=\"1.0\"?><feedback><report_metadata><org_name>{reporter}</org_name><email>d@{reporter}</email>"
           f"<report_id>e2e-{number}</report_id><date_range><begin>1767225600</begin><end>1767311999</end></date_range>"
           f"</report_metadata><policy_published><domain>{domain}</domain><p>none</p></policy_published>{rows}</feedback>")
    packed = base64.encodebytes(gzip.compress(xml.encode(), mtime=0)).decode().replace("\n", "\r\n")
    return (f"From: noreply@{reporter}\r\nTo: rua@reports.example\r\nSubject: Report {number}\r\n"
            f"Message-ID: <{number}@{reporter}>\r\nDate: Mon, 5 Jan 2026 00:10:00 +0000\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: application/gzip; name=\"r.xml.gz\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{packed}").encode()


class Service:
    """`dmarcbox serve` in a folder of its own: with Service(program, toml) as service: ..."""

    def __init__(self, program, smtp="", rest="", database="reports.db"):
        self.database = database
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dmarcbox-e2e-"))
        self.program = pathlib.Path(program).resolve()
        self.process = None
        self.configure(smtp, rest)
        if "certificate.pem" in rest:
            self.certificate()

    def configure(self, smtp="", rest=""):
        base = 'hostname = "mx.reports.example"\naccept = ["rua@reports.example", "ruf@reports.example"]\n'
        if "listen" not in smtp:
            base = 'listen = ["127.0.0.1:0"]\n' + base
        (self.folder / "dmarcbox.toml").write_text(f"[smtp]\n{base}{smtp}\n[storage]\npath = \"{self.database}\"\n{rest}\n")

    def certificate(self, name="certificate", days=30, common_name="mx.reports.example"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", str(days), "-subj", f"/CN={common_name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"],
                       cwd=self.folder, check=True, capture_output=True)

    def __enter__(self):
        return self.start()

    def start(self, **options):
        self.errors = open(self.folder / "log", "ab")
        seen = len(self.log())
        self.process = subprocess.Popen([self.program, "serve", "--config", "dmarcbox.toml"], cwd=self.folder,
                                        stderr=self.errors, stdout=subprocess.DEVNULL, **options)
        self.since = seen
        check(wait_for(lambda: "listening on" in self.log()[seen:] or self.process.poll() is not None, 30),
              f"the service does not start:\n{self.log()}")
        check(self.process.poll() is None, f"the service ended at once:\n{self.log()[seen:]}")
        time.sleep(0.05)
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self, seconds=40):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self.errors.close()
        return code

    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def port(self, protocol="smtp"):
        found = re.search(rf'listening on [^"]*:(\d+)"(?: protocol=|,"protocol":"){protocol}\b', self.log()[self.since:])
        check(found, f"no {protocol} listener:\n{self.log()}")
        return int(found[1])

    def rows(self, sql):
        connection = sqlite3.connect(f"file:{self.folder}/{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def one(self, sql):
        return self.rows(sql)[0][0]


def run_cases(cases):
    """Calls each function with the program's path; prints one line each; the exit code of the test."""
    failed = 0
    for case in cases:
        try:
            case(sys.argv[1])
            print(f"ok    {case.__name__.replace('_', ' ')}")
        except Exception as error:  # one failing case does not hide the next
            failed += 1
            print(f"FAIL  {case.__name__.replace('_', ' ')}: {type(error).__name__}: {error}")
    return 1 if failed else 0
