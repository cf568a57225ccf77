#!/usr/bin/env python3
"""Reads mails with Python's email, zipfile, gzip and XML modules, and compares identities and totals with dmarcbox.

usage: differential_test.py DMARCBOX [FOLDER...]

Without folders: the fixtures of tests/data and mails of tests/bench/make_mails.py. What Python cannot read although
dmarcbox does must be in REPAIRED with the reason; an entry that is not needed any more is a failure too.
"""
import collections
import datetime
import email
import email.header
import email.policy
import email.utils
import gzip
import io
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# Fixtures that hold what the standard library refuses or does not know, and dmarcbox reads with a finding.
REPAIRED = {
    "container-gzip-behind-empty-line.eml": "an empty line before the gzip data",
    "container-one-good-one-broken.eml": "one part is truncated; the other is read",
    "container-uuencode.eml": "uuencode inside a text",
    "container-winmail-dat.eml": "TNEF",
    "container-yenc.eml": "yEnc",
    "exim-no-break-spaces.eml": "a failure report in plain text",
    "exim-plain-text.eml": "a failure report in plain text",
    "exim-rewrapped-quoted.eml": "a failure report in plain text",
    "failure-blank-line-of-a-space.eml": "fields behind a line that is not quite empty",
    "failure-derived.eml": "what the fields lack is in the sample",
    "failure-fields-as-text.eml": "the fields in a part labelled text/plain",
    "failure-odd-numbers.eml": "a date in no form of mail, a number that is none",
    "failure-raw-8bit-header.eml": "8-bit bytes in a header",
    "failure-singular-headers.eml": "text/rfc822-header for text/rfc822-headers",
    "mail-footer-behind-base64.eml": "a list's footer behind the base64 data",
    "mail-loose-base64.eml": "base64 with foreign bytes",
    "mimecast-trailing-bytes.eml": "bytes behind the gzip data",
    "netease-gb2312-base64.eml": "the fields in base64",
    "opendmarc-arf.eml": "a comment behind the address; the date is the sample's",
    "tls-array.eml": "several reports in an array",
    "tls-domain-from-header.eml": "the domain is in the mail's header",
    "tls-forwarded-domain.eml": "the domain is in the header of the attached mail",
    "tls-octet-stream-commas.eml": "trailing commas in JSON",
    "values-counts.eml": "a count above 10^12 is 0",
    "values-iso-dates.eml": "a date for a number",
    "values-milliseconds.eml": "milliseconds for seconds",
    "xml-bad-utf8-byte.eml": "a byte that is no UTF-8",
    "xml-doctype.eml": "entities are never expanded",
    "xml-nul-byte.eml": "a NUL byte",
    "xml-raw-ampersand.eml": "a bare ampersand",
    "xml-raw-angles.eml": "a bare less-than sign",
    "xml-stray-schema.eml": "an unclosed element around the report",
    "xml-undeclared-latin1.eml": "Latin-1 without a declaration",
    "xml-utf16.eml": "UTF-16 that says so nowhere",
}


def local(element):
    return element.tag.rsplit("}", 1)[-1].rsplit(":", 1)[-1]


def child(element, *path):
    for name in path:
        element = next((c for c in element if local(c) == name), None) if element is not None else None
    return element


def text(element, *path):
    found = child(element, *path)
    return " ".join((found.text or "").split()) if found is not None else ""


def number(value):
    try:
        return int(float(value))
    except ValueError:
        return 0


def read_xml(data):
    root = ET.fromstring(data.lstrip())
    if local(root) != "feedback":
        return
    records = [c for c in root if local(c) == "record"]
    counted = [(number(text(r, "row", "count")), text(r, "row", "policy_evaluated", "dkim").lower(),
                text(r, "row", "policy_evaluated", "spf").lower()) for r in records]
    yield ("aggregate", text(root, "report_metadata", "org_name"), text(root, "report_metadata", "report_id"),
           text(root, "policy_published", "domain").lower().rstrip("."),
           number(text(root, "report_metadata", "date_range", "begin")),
           sum(c for c, _, _ in counted), sum(c for c, dkim, spf in counted if "pass" in (dkim, spf)))


def seconds(text):
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        return 0
    return int((time if time.tzinfo else time.replace(tzinfo=datetime.timezone.utc)).timestamp())


def read_failure(report, sample):
    """A failure report (RFC 6591): identity and what it counts as. `sample` is the third part."""
    if (report.get("Feedback-Type") or "").strip().lower() != "auth-failure":
        return
    arrived = report.get("Arrival-Date") or report.get("Received-Date")
    subject = str(email.header.make_header(email.header.decode_header(sample.get("Subject") or ""))) if sample else ""
    yield ("failure", (report.get("Source-IP") or "").strip(), " ".join(subject.split()),
           (report.get("Reported-Domain") or "").strip().lower().rstrip("."),
           int(email.utils.parsedate_to_datetime(arrived).timestamp()) if arrived else 0,
           number((report.get("Incidents") or "1").strip()), 0)


def read_json(data):
    root = json.loads(data)
    if not isinstance(root, dict) or "policies" not in root:
        return
    policies = root["policies"] if isinstance(root["policies"], list) else [root["policies"]]
    count = lambda key: sum(int(p.get("summary", {}).get(key, 0)) for p in policies)
    domains = sorted({p["policy"].get("policy-domain", "").lower().rstrip(".") for p in policies if "policy" in p})
    yield ("tls", root.get("organization-name", ""), root.get("report-id", ""), " ".join(filter(None, domains)),
           seconds(root.get("date-range", {}).get("start-datetime", "")), count("total-successful-session-count"), count("total-failure-session-count"))


def read_bytes(data):
    """Reports in a document or archive."""
    if data[:2] == b"\x1f\x8b":
        yield from read_bytes(gzip.decompress(data))
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    yield from read_bytes(archive.read(member))
    elif data.lstrip()[:1] == b"{":
        yield from read_json(data)
    elif b"<feedback" in data or b":feedback" in data:
        yield from read_xml(data)


def read_mail(data):
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    inside = set()  # of failure reports: the report's fields and the sample
    for part in message.walk():
        if id(part) in inside:
            continue
        if part.get_content_type() == "multipart/report" and part.get_param("report-type") == "feedback-report":
            parts = part.get_payload()
            report = next((p.get_payload(0) for p in parts if p.get_content_type() == "message/feedback-report"), None)
            sample = next((p.get_payload(0) for p in parts if p.get_content_type() == "message/rfc822"), None)
            sample = sample or next((email.message_from_string(p.get_payload()) for p in parts
                                     if p.get_content_type() == "text/rfc822-headers"), None)
            if report is not None:
                inside |= {id(p) for p in part.walk()}
                yield from read_failure(report, sample)
                continue
        if not part.is_multipart():
            payload = part.get_payload(decode=True) or b""
            if part.get_content_type() == "text/html":
                continue
            yield from read_bytes(payload)


def by_python(path):
    data = path.read_bytes()
    try:
        if path.suffix == ".eml":
            return collections.Counter(read_mail(data))
        return collections.Counter(read_bytes(data))
    except (ET.ParseError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, ValueError, RuntimeError,
            NotImplementedError, LookupError, AttributeError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def by_dmarcbox(program, path, folder):
    db = folder / "one.db"
    for old in folder.glob("one.db*"):
        old.unlink()
    done = subprocess.run([program, "import", "--quiet", "--db", db, path], capture_output=True, text=True, timeout=120,
                          cwd=folder)
    if done.returncode not in (0, 1):
        sys.exit(f"{path}: dmarcbox ends with {done.returncode}: {done.stderr}")
    with sqlite3.connect(db) as connection:
        rows = connection.execute(
            "SELECT 'aggregate', ifnull(a.org_name, ''), ifnull(a.report_id, ''), ifnull(a.domain, ''), ifnull(a.begin_at, 0),"
            " a.message_count, (SELECT ifnull(sum(r.count), 0) FROM aggregate_records r WHERE r.aggregate_report_id = a.id"
            " AND (r.dkim = 'pass' OR r.spf = 'pass')) FROM aggregate_reports a UNION ALL "
            "SELECT 'failure', ifnull(source_ip, ''), ifnull(sample_subject, ''), ifnull(reported_domain, ''), ifnull(arrived_at, 0),"
            " incidents, 0 FROM failure_reports UNION ALL "
            "SELECT 'tls', ifnull(t.org_name, ''), ifnull(t.report_id, ''),"
            " ifnull((SELECT group_concat(d, ' ') FROM (SELECT DISTINCT policy_domain AS d FROM tls_policies p"
            " WHERE p.tls_report_id = t.id ORDER BY 1)), ''), ifnull(t.begin_at, 0),"
            " (SELECT ifnull(sum(success_count), 0) FROM tls_policies p WHERE p.tls_report_id = t.id),"
            " (SELECT ifnull(sum(failure_count), 0) FROM tls_policies p WHERE p.tls_report_id = t.id) FROM tls_reports t").fetchall()
        totals = connection.execute("SELECT domain, sum(messages), sum(passed) FROM day_totals GROUP BY 1").fetchall()
    connection.close()
    return collections.Counter(rows), {domain: sums for domain, *sums in totals if any(sums)}


def totals_of(reports):
    """Messages, and those that pass, of each domain: what day_totals must hold. A report that comes twice counts once."""
    totals = {}
    for kind, _, _, domain, _, messages, passed in reports:
        if kind == "aggregate" and messages:
            sums = totals.setdefault(domain or "(none)", [0, 0])
            sums[0] += messages
            sums[1] += passed
    return totals


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="dmarcbox-differential-") as name:
        folder = pathlib.Path(name)
        folders = [pathlib.Path(f) for f in sys.argv[2:]]
        if not folders:
            subprocess.run([sys.executable, ROOT / "tests/bench/make_mails.py", folder / "mails", "--aggregate", "60", "--failure", "5"],
                           check=True, stdout=subprocess.DEVNULL)
            folders = [ROOT / "tests/data", folder / "mails"]
        same, faults, refused = 0, [], {}
        for path in sorted(p for f in folders for p in f.rglob("*") if p.suffix in (".eml", ".xml", ".gz", ".zip", ".json")):
            if path.name == "expected.json":
                continue
            python, (ours, totals) = by_python(path), by_dmarcbox(program, path, folder)
            if totals != totals_of(ours):
                faults.append(f"{path.name}: totals {totals} of {dict(ours)}")
            if python == ours or (isinstance(python, str) and not ours):  # alike, or refused by both
                same += 1
            elif path.name in REPAIRED:
                refused[path.name] = python
            else:
                faults.append(f"{path.name}:\n  Python   {python}\n  dmarcbox {dict(ours)}")
        print(f"{same} files alike, {len(refused)} that Python reads otherwise for a known reason")
        if not sys.argv[2:]:
            faults += [f"{name}: is in REPAIRED, but Python reads it alike" for name in REPAIRED if name not in refused]
        for fault in faults:
            print(fault)
        return 1 if faults else 0


sys.exit(main())
