"""Building blocks of make_fixtures.py: reports as text, containers as bytes, mail by hand.

Nothing here uses the email package: fixtures need bytes that no well-behaved writer makes.
"""

import base64
import io
import struct
import textwrap
import zipfile
import zlib

DAY = 1743984000  # 2025-04-07T00:00:00Z
SENT = "Tue, 08 Apr 2025 02:11:12 +0000"


# ---------------------------------------------------------------- aggregate reports


def record(ip="192.0.2.10", count=3, disposition="none", dkim="pass", spf="pass",
           header_from="example.org", envelope_from=None, envelope_to=None, reasons="",
           dkim_results=(("example.org", "s1", "pass"),),
           spf_results=(("example.org", "mfrom", "pass"),)):
    """One record element; results are (domain, selector or scope, result), None leaves out."""

    def element(name, value):
        return "" if value is None else f"<{name}>{value}</{name}>"

    text = "  <record>\n    <row>"
    text += element("source_ip", ip) + element("count", count)
    text += "<policy_evaluated>" + element("disposition", disposition)
    text += element("dkim", dkim) + element("spf", spf) + reasons + "</policy_evaluated></row>\n"
    text += "    <identifiers>" + element("envelope_to", envelope_to)
    text += element("envelope_from", envelope_from) + element("header_from", header_from)
    text += "</identifiers>\n    <auth_results>"
    for domain, selector, result in dkim_results:
        text += ("<dkim>" + element("domain", domain) + element("selector", selector)
                 + element("result", result) + "</dkim>")
    for domain, scope, result in spf_results:
        text += ("<spf>" + element("domain", domain) + element("scope", scope)
                 + element("result", result) + "</spf>")
    return text + "</auth_results>\n  </record>\n"


def metadata(org, email, report_id, begin=DAY, end=DAY + 86399, more=""):
    return ("  <report_metadata>\n"
            f"    <org_name>{org}</org_name>\n    <email>{email}</email>\n{more}"
            f"    <report_id>{report_id}</report_id>\n"
            f"    <date_range><begin>{begin}</begin><end>{end}</end></date_range>\n"
            "  </report_metadata>\n")


def policy(domain="example.org", p="none",
           more="<adkim>r</adkim><aspf>r</aspf><p>{p}</p><sp>{p}</sp><pct>100</pct>"):
    return ("  <policy_published><domain>" + domain + "</domain>" + more.replace("{p}", p)
            + "</policy_published>\n")


def feedback(org, report_id, records=None, email=None, begin=DAY, end=DAY + 86399,
             declaration='<?xml version="1.0" encoding="UTF-8" ?>\n', root="feedback",
             version="", published=None, meta_more="", extra=""):
    """A whole report; `org` names the reporter's domain too where no email is given."""
    return (declaration + f"<{root}>\n" + version
            + metadata(org, email or f"dmarc@{org}", report_id, begin, end, meta_more)
            + (policy() if published is None else published) + extra
            + (record() if records is None else records) + f"</{root.split()[0]}>\n")


# ---------------------------------------------------------------- containers


def gz(data, name=b""):
    """gzip without a time, so that the bytes are the same on every run."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(data) + packer.flush()
    head = b"\x1f\x8b\x08" + (b"\x08" if name else b"\0") + b"\0\0\0\0\x02\x03"
    head += name + b"\0" if name else b""
    return head + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def zipped(entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name, (2025, 4, 8, 2, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name.endswith("/") else zipfile.ZIP_DEFLATED
            info.create_system = 3
            archive.writestr(info, data)
    return out.getvalue()


def zip_with(entry_name, data, method, flags):
    """A zip whose one entry says `method` and `flags`, whatever its bytes are."""
    packed = zlib.compress(data, 9)[2:-4]
    name = entry_name.encode()
    fields = struct.pack("<HHHHHIIIHH", 20, flags, method, 0x1000, 0x5A88, zlib.crc32(data),
                         len(packed), len(data), len(name), 0)
    local = b"PK\x03\x04" + fields + name + packed
    central = b"PK\x01\x02" + struct.pack("<H", 20) + fields
    central += struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    return local + central + b"PK\x05\x06" + struct.pack(
        "<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


# ---------------------------------------------------------------- mail


def b64(data, width=76):
    text = base64.b64encode(data).decode()
    return "\n".join(textwrap.wrap(text, width)) + "\n"


def word(text, charset="utf-8", encoding="b"):
    """An encoded word (RFC 2047)."""
    raw = text.encode(charset)
    if encoding == "b":
        return f"=?{charset}?B?{base64.b64encode(raw).decode()}?="
    return f"=?{charset}?Q?" + "".join(
        chr(c) if c < 128 and chr(c).isalnum() else f"={c:02X}" for c in raw) + "?="


def part(media_type, body, encoding=None, disposition=None, more=""):
    head = f"Content-Type: {media_type}\n" if media_type else ""
    if disposition:
        head += f"Content-Disposition: {disposition}\n"
    if encoding:
        head += f"Content-Transfer-Encoding: {encoding}\n"
    return head + more + "\n" + body


def attached(media_type, name, data, disposition="attachment"):
    """A base64 part named in both header fields."""
    return part(f'{media_type}; name="{name}"', b64(data), "base64",
                f'{disposition}; filename="{name}"' if disposition else None)


def multipart(kind, parts, boundary="=_fixture"):
    text = "".join(f"--{boundary}\n{each}\n" for each in parts) + f"--{boundary}--\n"
    sep = "; " if ";" in kind else ";\n\t"
    return f'Content-Type: multipart/{kind}{sep}boundary="{boundary}"\n', text


def mail(sender, subject, body, to="rua@reports.example", message_id=None, date=SENT, more="",
         head=None):
    """A message; `body` is (header lines, text) or a part. Lines end in LF until written."""
    content = head + "\n" + body if head is not None else body
    domain = sender.split("@")[-1].rstrip(">")
    identifier = message_id or f"<20250408021112.fixture@{domain}>"
    return (f"Received: from out.{domain} (out.{domain} [198.51.100.25])\n"
            f"\tby mx.reports.example with ESMTPS id 4ZX1; {SENT}\n"
            f"From: {sender}\nTo: <{to}>\nSubject: {subject}\nDate: {date}\n"
            f"Message-ID: {identifier}\n{more}MIME-Version: 1.0\n{content}")


def multi_mail(sender, subject, parts, kind="mixed", **options):
    head, text = multipart(kind, parts)
    return mail(sender, subject, text, head=head, **options)


TEXT = part("text/plain; charset=us-ascii",
            "This is an aggregate report. The data is in the attachment.\n")
