#!/usr/bin/env python3
"""Imports messages made to hurt, and prints what each cost: a table for people, a check for CI.

    tests/bench/hostile_messages.py BINARY [--only TEXT] [--keep FOLDER] [--markdown]

Each case is a file of its own, imported into an empty database by a process of its own (`import
--jobs 1`), whose CPU time and peak memory the kernel tells. Bounds: 5 s of CPU, start, hash,
compression and commit included, and 1 GiB of memory. Use a release build: sanitizers multiply both.

Exit 0 if every case stayed within both, was stored as one message, and nothing crashed; else 1.
"""

import argparse
import base64
import multiprocessing
import os
import pathlib
import random
import re
import sqlite3
import struct
import sys
import tempfile
import time
import zlib

MAX_CPU_SECONDS = 5.0
MAX_MEMORY_BYTES = 1 << 30
MIB = 1 << 20
CASES = []


def case(name, suffix=".eml"):
    """Registers a function that makes the bytes of one case."""
    def register(make):
        CASES.append((name, suffix, make))
        return make
    return register


# ---------------------------------------------------------------- building blocks


def gz(chunks):
    """gzip of bytes, or of an iterable of them: bombs never stand in memory here either."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(chunk) for chunk in ([chunks] if isinstance(chunks, bytes) else chunks)]
    return b"".join(parts) + packer.flush()


def repeat(piece, size):
    """`size` bytes of `piece` again and again, in chunks."""
    chunk = piece * max(1, MIB // len(piece))
    for _ in range(size // len(chunk)):
        yield chunk


def mail(body, head=b"Content-Type: text/plain\r\n"):
    return (b"From: a@sender.example\r\nTo: rua@reports.example\r\nSubject: hostile\r\n"
            b"Date: Tue, 08 Apr 2025 02:11:12 +0000\r\n" + head + b"\r\n" + body)


def attached(data, media_type=b"application/gzip"):
    return mail(base64.encodebytes(data),
                b"Content-Type: " + media_type + b"\r\nContent-Transfer-Encoding: base64\r\n")


def zip_members(count, data=b"", method=8, name=b"%07d"):
    """A zip of `count` members with the same content."""
    packed = zlib.compress(data, 9)[2:-4] if method == 8 else data
    out, directory = [], []
    offset = 0
    for number in range(count):
        label = name % number if b"%" in name else name
        fields = struct.pack("<HHHHHIIIHH", 20, 0, method, 0, 0, zlib.crc32(data), len(packed),
                             len(data), len(label), 0)
        out.append(b"PK\3\4" + fields + label + packed)
        directory.append(b"PK\1\2\x14\0" + fields + struct.pack("<HHHII", 0, 0, 0, 0, offset) + label)
        offset += len(out[-1])
    listed = b"".join(directory)
    return b"".join(out) + listed + b"PK\5\6" + struct.pack(
        "<HHHHIIH", 0, 0, min(count, 65535), min(count, 65535), len(listed), offset, 0)


def overlapping_zip(count, data):
    """All entries of the directory point to one member: the bomb that is not nested."""
    packed = zlib.compress(data, 9)[2:-4]
    fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, zlib.crc32(data), len(packed), len(data), 5, 0)
    local = b"PK\3\4" + fields + b"a.xml" + packed
    directory = (b"PK\1\2\x14\0" + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + b"a.xml") * count
    return local + directory + b"PK\5\6" + struct.pack(
        "<HHHHIIH", 0, 0, count, count, len(directory), len(local), 0)


HEAD = (b"<feedback><report_metadata><org_name>x</org_name><email>a@x.example</email><report_id>1"
        b"</report_id><date_range><begin>1743984000</begin><end>1744070399</end></date_range>"
        b"</report_metadata><policy_published><domain>example.org</domain><p>none</p>"
        b"</policy_published>")
TAIL = b"</feedback>"


def record(number=0):
    return (b"<record><row><source_ip>192.0.%d.%d</source_ip><count>1</count><policy_evaluated>"
            b"<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>"
            b"<identifiers><header_from>example.org</header_from></identifiers><auth_results><dkim>"
            b"<domain>example.org</domain><result>pass</result></dkim></auth_results></record>"
            % (number >> 8 & 255, number & 255))


def records(count):
    """A report in chunks of 500 records."""
    block = b"".join(record(number) for number in range(500))
    yield HEAD
    for _ in range(count // 500):
        yield block
    yield TAIL


TLS_HEAD = (b'{"organization-name":"x","date-range":{"start-datetime":"2025-04-07T00:00:00Z",'
            b'"end-datetime":"2025-04-07T23:59:59Z"},"contact-info":"a@x.example","report-id":"1",'
            b'"policies":')
TLS_POLICY = (b'{"policy":{"policy-type":"sts","policy-domain":"example.org"},"summary":'
              b'{"total-successful-session-count":1,"total-failure-session-count":0}}')


def tls(policies):
    return TLS_HEAD + policies + b"}"


# ---------------------------------------------------------------- archives


@case("gzip of 1 GiB of one byte")
def _():
    return attached(gz(repeat(b"<", 1 << 30)))


@case("gzip of gzip of 1 GiB")
def _():
    return attached(gz(gz(repeat(b" ", 1 << 30))))


@case("gzip, twenty levels")
def _():
    data = gz(b"<feedback/>")
    for _level in range(20):
        data = gz(data)
    return attached(data)


@case("gzip just below the ratio, 1 GiB")
def _():
    noise = random.Random(1)
    return attached(gz(b" " * 60000 + noise.randbytes(20) for _ in range((1 << 30) // 60020)))


@case("gzip, 100,000 members")
def _():
    return attached(gz(b"<a/>") * 100000)


@case("zip, 1,000,000 members", ".zip")
def _():
    return zip_members(1000000)


@case("zip, 60,000 entries on one member of 1 MiB")
def _():
    return attached(overlapping_zip(60000, b"<a>" + b" " * MIB), b"application/zip")


@case("zip, 900 members of 100 MiB")
def _():
    return attached(zip_members(900, b"<" * (100 * MIB)), b"application/zip")


@case("zip in zip, sixteen wide and five deep")
def _():
    data = zip_members(16, b"<" * (4 * MIB), name=b"%d.xml")
    for _level in range(4):
        data = zip_members(16, data, name=b"%d.zip")
    return attached(data, b"application/zip")


@case("zip signatures, 20 MiB of them", ".zip")
def _():
    return b"PK\3\4" * (5 * MIB)


@case("zip of 900 reports of 500 records")
def _():
    return attached(zip_members(900, b"".join(records(500))), b"application/zip")


@case("zip of 4 reports of 392,000 records")
def _():
    return attached(zip_members(4, b"".join(records(392000)), name=b"%d.xml"), b"application/zip")


@case("zip of 20 reports of 75,000 records")
def _():
    return attached(zip_members(20, b"".join(records(75000)), name=b"%d.xml"), b"application/zip")


@case("zip of 20 reports of 280,000 short records")
def _():
    short = b"<record><row><count>1</count></row></record>"
    return attached(zip_members(20, HEAD + short * 280000 + TAIL, name=b"%d.xml"),
                    b"application/zip")


@case("mail of 12 gzipped reports of 392,000 records")
def _():
    part = b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(
        gz(records(392000)))
    return mail(part * 12, b"Content-Type: multipart/mixed; boundary=b\r\n")


@case("zip of 1,000 zips of 1,000 tiny reports")
def _():
    tiny = b"<feedback><record/><policy_published/></feedback>"
    return attached(zip_members(1000, zip_members(1000, tiny, name=b"%d.xml"), name=b"%d.zip"),
                    b"application/zip")


@case("zip of 1,000 zips of 1,000 broken reports")
def _():
    return attached(zip_members(1000, zip_members(1000, b"<feedback><a", name=b"%d.xml"),
                                name=b"%d.zip"), b"application/zip")


# ---------------------------------------------------------------- mail


@case("multiparts 40,000 deep")
def _():
    return mail(b"".join(b"--%d\r\nContent-Type: multipart/mixed; boundary=%d\r\n\r\n" % (n, n + 1)
                         for n in range(40000)), b"Content-Type: multipart/mixed; boundary=0\r\n")


@case("multipart, 1,000,000 parts")
def _():
    return mail(b"--b\r\n\r\nx\r\n" * 1000000, b"Content-Type: multipart/mixed; boundary=b\r\n")


@case("multipart, 40 MiB of lines that nearly are boundaries")
def _():
    boundary = b"b" * 70
    return mail((b"--" + boundary[:-1] + b"c\r\n") * (40 * MIB // 75),
                b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n")


@case("multiparts 20 deep, 40 MiB of dashes inside")
def _():
    body = b"".join(b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1)
                    for n in range(18))
    return mail(body + b"--b18\r\n\r\n" + b"--\r\n" * (10 * MIB),
                b"Content-Type: multipart/mixed; boundary=b0\r\n")


@case("attached messages 5,000 deep")
def _():
    return mail(b"Content-Type: message/rfc822\r\n\r\n" * 5000, b"Content-Type: message/rfc822\r\n")


@case("attached message in base64, ten times over")
def _():
    data = mail(b"x" * (MIB // 2))
    for _level in range(10):
        data = attached(data, b"message/rfc822")
    return data


@case("header field of 1 MiB")
def _():
    return mail(b"x", b"X-Long: " + b"a" * MIB + b"\r\n")


@case("header of 1 MiB in 100,000 fields")
def _():
    return mail(b"x", b"X-A: 12345\r\n" * 100000)


@case("header of 40 MiB, folded")
def _():
    return mail(b"x", b"X-Long: a\r\n" + b" aaaaaaaaaaaaaa\r\n" * (40 * MIB // 17))


@case("subject of 14,000 encoded words")
def _():
    return mail(b"x", b"Subject: " + b"=?utf-8?q?a?=\r\n " * 14000 + b"\r\n")


@case("parameter in 12,000 pieces")
def _():
    return mail(b"x", b"Content-Type: text/plain;" + b"".join(
        b"\r\n name*%d=%d;" % (n, n) for n in range(12000)) + b"\r\n")


@case("address with 60,000 comments opened")
def _():
    return mail(b"x", b"Sender: " + b"(" * 60000 + b"\r\nReply-To: " + b"<" * 60000 + b"\r\n"
                b"Message-ID: " + b"<" * 60000 + b"\r\n")


@case("content type with 60,000 semicolons")
def _():
    return mail(b"x", b"Content-Type: text/plain" + b";" * 60000 + b"\r\nContent-Disposition: "
                b"attachment" + b'; filename="' * 5000 + b"\r\n")


@case("part headers of 200 KiB, a thousand of them")
def _():
    head = b"--b\r\nContent-Type: text/plain\r\n" + b"X-A: 1234567890\r\n" * 12000 + b"\r\nx\r\n"
    return mail(head * 240, b"Content-Type: multipart/mixed; boundary=b\r\n")


@case("base64 of 40 MiB of garbage")
def _():
    return mail(random.Random(2).randbytes(40 * MIB), b"Content-Transfer-Encoding: base64\r\n")


@case("quoted-printable of 40 MiB of equals signs")
def _():
    return mail(b"=" * (40 * MIB), b"Content-Transfer-Encoding: quoted-printable\r\n")


@case("one line of 48 MiB")
def _():
    return mail(b"a" * (48 * MIB))


@case("48 MiB of line ends")
def _():
    return mail(b"\r\n" * (24 * MIB))


@case("uuencode, 1,000,000 beginnings")
def _():
    return mail(b"begin 644 a\r\n" * 1000000)


@case("uuencode, 100,000 empty files")
def _():
    return mail(b"begin 644 a\r\n`\r\nend\r\n" * 100000)


@case("yEnc, 500,000 beginnings")
def _():
    return mail(b"=ybegin line=128 size=9 name=a\r\n" * 500000)


@case("TNEF, 2,000,000 attributes")
def _():
    attribute = b"\2" + struct.pack("<II", 0x00069002, 0) + b"\0\0"
    return attached(struct.pack("<IH", 0x223E9F78, 1) + attribute * 2000000,
                    b"application/ms-tnef")


@case("text in ISO-2022-JP escapes, 40 MiB")
def _():
    return mail(b"\x1b$B\x1b(B" * (40 * MIB // 6), b"Content-Type: text/plain; charset=iso-2022-jp\r\n")


@case("failure form begun 500,000 times")
def _():
    return mail(b"A message claiming to be from you has failed the published DMARC policy for your "
                b"domain.\r\nSender Domain: example.org\r\n" * (40 * MIB // 118))


def arf(fields, sample=b"From: a@example.org\r\n\r\n"):
    return mail(b"--b\r\n\r\ntext\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
                b"Feedback-Type: auth-failure\r\n" + fields + b"\r\n--b\r\nContent-Type: "
                b"message/rfc822\r\n\r\n" + sample + b"\r\n--b--\r\n",
                b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n")


@case("failure report, 1,000,000 fields")
def _():
    return arf(b"Reported-Domain: example.org\r\n" * 1000000)


@case("failure report, Authentication-Results of 20 MiB")
def _():
    return arf(b"Authentication-Results: x" + b"; dkim=fail" * (20 * MIB // 11) + b"\r\n")


@case("failure report, sample with 500,000 Received fields")
def _():
    return arf(b"", b"Received: from a ([192.0.2.1]) by b; Mon, 7 Apr 2025 23:16:08 +0200\r\n" * 500000)


@case("failure reports, 300 in one mail")
def _():
    one = (b"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: auth-failure\r\n"
           b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + b"X-A: 1\r\n" * 2000 + b"\r\n")
    return mail(one * 300, b"Content-Type: multipart/report; boundary=b\r\n")


@case("failure reports of 4,000 short fields, 450 in one mail")
def _():
    one = (b"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: auth-failure\r\n"
           + b"a:\r\n" * 1990 + b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
           + b"a:\r\n" * 2000 + b"\r\n")
    return mail(one * 450, b"Content-Type: multipart/report; boundary=b\r\n")


# ---------------------------------------------------------------- XML


def xml(data):
    return attached(gz(data))


@case("billion laughs")
def _():
    entities = b"".join(b'<!ENTITY e%d "%s">' % (n + 1, b"&e%d;" % n * 10) for n in range(9))
    return xml(b'<!DOCTYPE feedback [<!ENTITY e0 "ha">' + entities + b"]>"
               + HEAD.replace(b">x<", b">&e9;<") + record() + TAIL)


@case("quadratic entity blowup")
def _():
    return xml([b'<!DOCTYPE feedback [<!ENTITY a "' + b"a" * MIB + b'">]>'
                + HEAD.replace(b">x<", b">" + b"&a;" * 300000 + b"<") + record() + TAIL])


@case("external entity and external subset")
def _():
    return xml(b'<!DOCTYPE feedback SYSTEM "http://192.0.2.1/x.dtd" [<!ENTITY a SYSTEM '
               b'"file:///etc/passwd">]>' + HEAD.replace(b">x<", b">&a;<") + record() + TAIL)


@case("one element with 2,000,000 attributes")
def _():
    return xml([HEAD + b"<record ", *(b'a%d="%d" ' % (n, n) for n in range(2000000)), b"/>" + TAIL])


@case("elements nested through 120 MiB", ".xml")
def _():
    return b"<feedback>" + b"<a>" * (120 * MIB // 3)


@case("elements nested through 24 MiB in a report", ".xml")
def _():
    return HEAD + b"<a>" * (3 * MIB) + b"</a>" * (3 * MIB) + record() + TAIL


@case("120 MiB of empty elements", ".xml")
def _():
    return HEAD + b"<a/>" * (30 * MIB) + TAIL


@case("120 MiB of empty records", ".xml")
def _():
    return HEAD + b"<record/>" * (120 * MIB // 9) + TAIL


@case("392,000 honest records, 125 MiB")
def _():
    return xml(records(392000))


@case("392,000 honest records, end tag missing")
def _():
    return xml([*records(392000)][:-1])


@case("record with 1,000,000 DKIM results")
def _():
    dkim = b"<dkim><domain>example.org</domain><result>fail</result></dkim>"
    return xml([HEAD + b"<record><row><source_ip>192.0.2.1</source_ip><count>1</count></row>"
                b"<auth_results>", *repeat(dkim, 64 * MIB), b"</auth_results></record>" + TAIL])


@case("record with 1,000,000 reasons")
def _():
    return xml([HEAD + b"<record><row><source_ip>192.0.2.1</source_ip><policy_evaluated>",
                *repeat(b"<reason><type>other</type><comment>a</comment></reason>", 50 * MIB),
                b"</policy_evaluated></row></record>" + TAIL])


def result(n, word):
    return (b"<dkim><domain>d%d.example</domain><selector>s%d</selector><result>%s</result></dkim>"
            % (n, n, word))


@case("record with 250,000 different DKIM results", ".xml")
def _():
    return (HEAD + record().replace(b"<auth_results>", b"<auth_results>" + b"".join(
        result(n, b"fail") for n in range(250000))) + TAIL)


@case("record with 100,000 own keys that pass and as many that fail", ".xml")
def _():
    keys = b"".join(result(n, b"pass") + result(n, b"fail") for n in range(100000))
    return (HEAD + record().replace(b"<auth_results>", b"<auth_results>" + re.sub(
        rb"d\d+\.example<", b"example.org<", keys)) + TAIL)


@case("100,000 records, each with another source, domain and key", ".xml")
def _():
    return HEAD + b"".join(
        record(n).replace(b"192.0.", b"10.%d." % (n >> 16)).replace(
            b">example.org<", b">h%d.example.org<" % n).replace(
                b"<auth_results>", b"<auth_results>" + result(n, b"pass"))
        for n in range(100000)) + TAIL


@case("text of 120 MiB in one element", ".xml")
def _():
    return HEAD.replace(b">x<", b">" + b"a" * (120 * MIB) + b"<") + record() + TAIL


@case("60 MiB of < in a value", ".xml")
def _():
    return HEAD.replace(b">x<", b">" + b"< " * (30 * MIB) + b"<") + record() + TAIL


@case("60 MiB of attributes that never end", ".xml")
def _():
    return HEAD + b'<a b="' * (10 * MIB) + TAIL


@case("60 MiB of & in a value", ".xml")
def _():
    return HEAD.replace(b">x<", b">" + b"&" * (60 * MIB) + b"<") + record() + TAIL


@case("15,000,000 comments begun", ".xml")
def _():
    return HEAD + b"<!--" * (15 * MIB) + TAIL


@case("1,000,000 reports in one document", ".xml")
def _():
    return b"<feedback>" * 1000000 + HEAD + TAIL


@case("processing instructions, 60 MiB", ".xml")
def _():
    return b"<?a?>" * (12 * MIB) + HEAD + record() + TAIL


@case("UTF-16, 120 MiB", ".xml")
def _():
    return b"\xff\xfe" + (HEAD + record() * 90000 + TAIL)[:60 * MIB].decode().encode("utf-16-le")


@case("ISO-2022-KR, 60 MiB", ".xml")
def _():
    return b'<?xml version="1.0" encoding="ISO-2022-KR"?>' + HEAD + b"\x1b$)C\x0e!!\x0f" * (
        60 * MIB // 8) + TAIL


@case("Latin-1 bytes, 60 MiB", ".xml")
def _():
    return HEAD.replace(b">x<", b">" + b"\xe9" * (60 * MIB) + b"<") + record() + TAIL


@case("NUL bytes, 60 MiB", ".xml")
def _():
    return HEAD.replace(b">x<", b">" + b"\0" * (60 * MIB) + b"<") + record() + TAIL


@case("100,000 different bad counts and addresses", ".xml")
def _():
    return HEAD + b"".join(record(n).replace(b"<count>1<", b"<count>x%d<" % n).replace(
        b"192.0.", b"x.") for n in range(100000)) + TAIL


# ---------------------------------------------------------------- JSON


@case("JSON arrays nested through 60 MiB", ".json")
def _():
    return tls(b"[" * (60 * MIB))


@case("JSON objects nested through 60 MiB", ".json")
def _():
    return tls(b'{"a":' * (12 * MIB))


@case("JSON, 500,000 policies", ".json")
def _():
    return tls(b"[" + b",".join([TLS_POLICY] * 500000) + b"]")


@case("JSON, 100,000 policies of as many domains")
def _():
    return tls(b"[" + b",".join(TLS_POLICY.replace(b"example.org", b"d%d.example" % n)
                                for n in range(100000)) + b"]")


@case("JSON, 300,000 failure details")
def _():
    detail = b'{"result-type":"t%d","sending-mta-ip":"x%d","failed-session-count":1}'
    return tls(b"[" + TLS_POLICY[:-1] + b',"failure-details":[' + b",".join(
        detail % (n, n) for n in range(300000)) + b"]}]")


@case("JSON, 120 MiB of small numbers", ".json")
def _():
    return tls(b"[" + b"1," * (60 * MIB) + b"1]")


@case("JSON, object with 2,000,000 keys", ".json")
def _():
    return tls(b"[{" + b",".join(b'"k%d":1' % n for n in range(2000000)) + b"}]")


@case("JSON, the same key 4,000,000 times", ".json")
def _():
    return tls(b"[{" + b'"policy":1,' * 4000000 + b'"a":1}]')


@case("JSON, string of 120 MiB", ".json")
def _():
    return tls(b'["' + b"\\u00e9" * (20 * MIB) + b'"]')


@case("JSON, 60 MiB of digits", ".json")
def _():
    return tls(b"[" + b"9" * (60 * MIB) + b"]")


@case("JSON, 60 MiB of comments", ".json")
def _():
    return tls(b"[" + b"/**/" * (15 * MIB) + b"]")


# ---------------------------------------------------------------- measuring


def run(binary, path, folder):
    """Imports one file. Returns (CPU seconds, peak bytes, wall seconds, outcome, detail, complaint)."""
    database = os.path.join(folder, "one.db")
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.execv(binary, [binary, "import", "--quiet", "--jobs", "1", "--db", database, path])
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
    rows = []
    if os.path.exists(database):
        with sqlite3.connect(database) as connection:
            rows = connection.execute("SELECT outcome, ifnull(detail, '') FROM messages").fetchall()
    outcome, detail = rows[0] if rows else ("none", "")
    complaint = ""
    if code not in (0, 1):
        complaint = "exit code %d" % code
    elif len(rows) != 1:
        complaint = "%d rows" % len(rows)
    elif cpu > MAX_CPU_SECONDS:
        complaint = "more than %g s of CPU" % MAX_CPU_SECONDS
    elif memory > MAX_MEMORY_BYTES:
        complaint = "more than %d MiB" % (MAX_MEMORY_BYTES // MIB)
    return cpu, memory, wall, outcome, detail, complaint


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", help="the dmarcbox program, a release build")
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--keep", type=pathlib.Path, help="leave the messages in this folder")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    options = parser.parse_args()
    if not os.access(options.binary, os.X_OK):
        parser.error("%s is no program" % options.binary)
    binary = os.path.abspath(options.binary)

    line = "| %-52s | %9s | %7s | %8s | %s |" if options.markdown else "%-52s %9s %7s %8s  %s"
    print(line % ("case", "size", "CPU", "memory", "outcome"))
    if options.markdown:
        print("|---|---:|---:|---:|---|")
    bad = 0
    for number, (name, suffix, make) in enumerate(CASES):
        if options.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(options.keep or folder, "%02d%s" % (number, suffix))
            # In a process of its own: peak memory of a child begins at that of its parent.
            maker = multiprocessing.Process(target=lambda: pathlib.Path(path).write_bytes(make()))
            maker.start()
            maker.join()
            size = os.path.getsize(path)
            cpu, memory, _, outcome, detail, complaint = run(binary, path, folder)
        bad += bool(complaint)
        words = outcome + (" " + detail[:60] if detail else "")
        if complaint:
            words += "  <-- " + complaint
        print(line % (name, "%.1f MiB" % (size / MIB), "%.2f s" % cpu,
                      "%d MiB" % (memory // MIB), words), flush=True)
    print("\nwithin %g s and %d MiB: %s" % (MAX_CPU_SECONDS, MAX_MEMORY_BYTES // MIB,
                                           "all" if not bad else "not %d" % bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
