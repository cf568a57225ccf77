#!/usr/bin/env python3
"""Writes the golden fixtures of this folder: one mail per reporter style and per deviation.

Run it after a change here, then `UPDATE_GOLDEN=1` on the golden test, and read the difference.
All names are reserved ones (RFC 2606, RFC 5737, RFC 3849); all wording is ours. The result is the
same on every run. A fixture is text with LF (written with CRLF) or bytes (written as they are).
"""

import io
import pathlib
import re
import struct
import sys
import zipfile
import zlib

from fixture_parts import (DAY, SENT, TEXT, attached, b64, feedback, gz, mail, metadata, multi_mail,
                           multipart, part, policy, record, word, zip_with, zipped)

FIXTURES = {}

# The name of an attached report, by the book, where a fixture is about something else.
NAME = f"mx.example!example.org!{DAY}!{DAY + 86399}.xml.gz"


def fixture(name, content):
    assert name not in FIXTURES, name
    FIXTURES[name] = content if isinstance(content, bytes) else content.replace(
        "\n", "\r\n").encode()


def packed(org, report_id, **options):
    return gz(feedback(org, report_id, **options).encode())


def one_report(name, org, xml, subject=None, **options):
    """The usual shape: text, then the gzipped report."""
    data = xml if isinstance(xml, bytes) else xml.encode()
    begin, end = (re.search(tag + rb"(\d{10})", data) for tag in (b"<begin>", b"<end>"))
    days = f"{begin[1].decode() if begin else DAY}!{end[1].decode() if end else DAY + 86399}"
    fixture(name, multi_mail(
        f"<dmarc@{org}>", subject or f"Report Domain: example.org Submitter: {org} Report-ID: <x>",
        [TEXT, attached("application/gzip", f"{org}!example.org!{days}.xml.gz", gz(data))],
        **options))


# ---------------------------------------------------------------- reporter styles


def styles():
    xml = feedback("search.example", "12829890647549986", meta_more=(
        "    <extra_contact_info>https://search.example/a/answer/2466580</extra_contact_info>\n"),
        records=record("192.0.2.10", 12) + record(
            "2001:db8::25", 1, "none", "fail", "fail", dkim_results=(),
            spf_results=(("bulk.example", None, "softfail"),)))
    name = f"search.example!example.org!{DAY}!{DAY + 86399}"
    fixture("google-zip-body.eml", mail(
        "noreply-dmarc@search.example",
        "Report domain: example.org Submitter: search.example Report-ID: 12829890647549986",
        part(f'application/zip; \n\tname="{name}.zip"',
             b64(zipped([(name + ".xml", xml.encode())])), "base64",
             f'attachment; \n\tfilename="{name}.zip"')))

    xml = feedback("Office Example", "66f317a021ff4cdabad2b350d3303615", email="dmarc@office.example",
                   declaration='\ufeff<?xml version="1.0"?>\n',
                   root='feedback xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
                        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
                   version="  <version>1.0</version>\n",
                   published=policy(more="<adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp>"
                                         "<pct>100</pct><fo>1</fo>"),
                   records=record(envelope_to="office.example", envelope_from="bounce.example.org",
                                  spf_results=(("bounce.example.org", "mfrom", "pass"),)))
    fixture("microsoft-html-part.eml", multi_mail(
        '"DMARC Aggregate Report" <dmarc@office.example>',
        word("[Preview] Report Domain: example.org Submitter: office.example "
             "Report-ID: 66f317a021ff4cdabad2b350d3303615"),
        [part("text/html; charset=us-ascii",
              "<html><body><div><feedback>not this one</div></body></html>\n", "7bit"),
         attached("application/gzip", "office.example!example.org!1743984000!1744070400.xml.gz",
                  gz(xml.encode()))]))

    name = f"hot.example!example.org!{DAY}!{DAY + 86400}"
    fixture("microsoft-zip-empty-text.eml", multi_mail(
        "dmarcrep@hot.example",
        "Report Domain: example.org Submitter: hot.example Report-ID: <66f3@hot.example>",
        [part("text/plain; charset=us-ascii", ""),
         part(f"application/zip; name={name}.zip", b64(zipped([(name + ".xml", feedback(
             "Hot Example Corp.", "66f3@hot.example", email="dmarcrep@hot.example", begin=DAY,
             end=DAY + 86400).encode())])), "base64", f"attachment; filename={name}.zip")]))

    xml = feedback("Portal Example", "1435111091.916236", email="postmaster@portal.example",
                   records=record(dkim_results=(("example.org", None, "pass"),),
                                  spf_results=(("example.org", None, "pass"),)))
    fixture("yahoo-x-gzip.eml", multi_mail(
        "postmaster@portal.example",
        "Report Domain: example.org Submitter: portal.example Report-ID: <1435111091.916236>",
        [part("text/plain; charset=us-ascii", "Aggregate report as asked for by rua.\n"),
         attached("application/x-gzip", "portal.example!example.org!1743984000!1744070399.xml.gz",
                  gz(xml.encode()))]))

    xml = feedback("Cloud Mail Example", "b5e7a9d2-8c1f-4c1e", version="  <version>0.1</version>\n")
    fixture("amazon-octet-stream.eml", multi_mail(
        "postmaster@cloud.example",
        "Dmarc Aggregate Report Domain: {example.org}  Submitter: {Cloud Mail Example}  "
        "Date: {2025-04-07}  Report-ID: {b5e7a9d2-8c1f-4c1e}",
        [part("text/plain; charset=us-ascii", "See the attached report.\n", "7bit"),
         attached("application/octet-stream",
                  "cloud.example!example.org!1743984000!1744070400.xml.gz", gz(xml.encode()))]))

    fixture("amazon-png-named-gz.eml", multi_mail(
        "postmaster@cloud.example", "Dmarc Aggregate Report Domain: {example.org}",
        [attached("application/octet-stream", "cloud.example!example.org!1!2.xml.gz",
                  gz(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0"))]))

    fixture("mailru-subject-semicolons.eml", multi_mail(
        "dmarc_support@post.example",
        "Report Domain: example.org; Submitter: post.example; Report-ID: 2381738918239",
        [TEXT, attached("application/gzip", "post.example!example.org!1743984000!1744070400.xml.gz",
                        packed("Post.Example", "2381738918239", begin=DAY, end=DAY + 86400))]))

    fixture("fastmail-inline.eml", multi_mail(
        "reports@fast.example", "Report Domain: example.org Submitter: fast.example "
        "Report-ID: <2015.06.23.5672770@fast.example>",
        [part("text/plain", "This is a DMARC aggregate report.\n"),
         attached("application/gzip", "fast.example!example.org!1743984000!1744070399!567.xml.gz",
                  packed("fast.example", "2015.06.23.5672770@fast.example"), "inline")]))

    xml = ('<?xml version="1.0" encoding="UTF-8"?>\n'
           '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">\n  <version>1.0</version>\n'
           + metadata("GMB Example", "noreply@gmb.example", "9aa3c81c8dd94bd9").replace(
               "  </report_metadata>", "    <error lang=\"en\">two records at _dmarc</error>\n"
               "    <generator>gmb-reporter 4.2</generator>\n  </report_metadata>")
           + "  <policy_published><domain>example.org</domain>"
             "<discovery_method>treewalk</discovery_method><p>reject</p><sp>quarantine</sp>"
             "<np>reject</np><fo>1:d</fo><adkim>s</adkim><aspf>r</aspf><testing>y</testing>"
             "</policy_published>\n"
             '  <extension><x:volume xmlns:x="https://gmb.example/ns">9</x:volume></extension>\n'
           + record("2001:db8:0:0:0:0:0:7", 4, "pass", envelope_from="")
           + record("192.0.2.77", 2, "none", "fail", "fail",
                    reasons="<reason><type>policy_test_mode</type>"
                            "<comment lang=\"en\">t=y</comment></reason>",
                    spf_results=(("example.org", "mfrom", "policy"),),
                    dkim_results=(("example.org", "s1", "fail"),))
           + "</feedback>\n")
    one_report("gmx-rfc9990.eml", "gmb.example", xml)

    fixture("mimecast-trailing-bytes.eml", mail(
        "no-reply@shield.example", "Report domain: example.org Submitter: shield.example "
        "Report-ID: f3cc1fba1c6da549", part(
            'application/gzip; name="shield.example!example.org!1743984000!1744070399!f3c.xml.gz"',
            b64(packed("Shield Example", "f3cc1fba1c6da549") + b"\r\n"), "base64",
            'attachment; filename="shield.example!example.org!1743984000!1744070399!f3c.xml.gz"')))

    fixture("comcast-plain-xml.eml", multi_mail(
        "dmarc_reports@cable.example", "Report Domain: example.org",
        [part('text/xml; charset=utf-8; name="cable.example!example.org!1743984000!1744070400.xml"',
              feedback("cable.example", "v1-1744070400-example.org"), "8bit", "attachment")]))

    fixture("opendmarc-text-plain-xml.eml", mail(
        "opendmarc@mx.open.example", "Report Domain: example.org Submitter: mx.open.example",
        part("text/plain", feedback("mx.open.example", "example.org-1744070400@mx.open.example",
                                    records=record(count=1) + record(count=1)))))

    fixture("netease-zip-labelled-gzip.eml", multi_mail(
        "dmarcreports@net.example", "Report Domain: example.org Submitter: net.example",
        [TEXT, attached("application/gzip", "aggr_report_example.org_20250407_net.example.xml.gz",
                        zipped([("aggr_report_example.org_20250407.xml", feedback(
                            "net.example", "aggr_report_example.org_20250407",
                            begin=f"{DAY}.0", end=f"{DAY + 86399}.0").encode())]))]))


# ---------------------------------------------------------------- mail and containers (10.1, 10.6)


def containers():
    fixture("container-double-gzip.eml", multi_mail(
        "d@twice.example", "Report Domain: example.org", [attached(
            "application/gzip", NAME + ".gz", gz(packed("twice.example", "d1")))]))

    fixture("container-gzip-members.eml", multi_mail(
        "d@members.example", "Report Domain: example.org", [attached(
            "application/gzip", NAME,
            (lambda x: gz(x[:300]) + gz(x[300:]))(feedback("members.example", "m1").encode()))]))

    fixture("container-zip-entries.eml", multi_mail(
        "d@month.example", "Reports of a month", [attached("application/zip", "april.zip", zipped([
            ("daily.xml/", b""), ("daily.xml/empty.xml", b""),
            ("readme.txt", b"Two reports are in this file.\n"),
            ("daily.xml/1.xml", feedback("month.example", "z1").encode()),
            ("2.xml", feedback("month.example", "z2", begin=DAY + 86400,
                               end=DAY + 172799).encode())]))]))

    fixture("container-zip-in-zip.eml", multi_mail(
        "d@nest.example", "Report Domain: example.org", [attached("application/zip", NAME.replace(".xml.gz", ".zip"), zipped(
            [("inner.zip", zipped([("r.xml.gz", packed("nest.example", "n1"))]))]))]))

    fixture("container-zip-encrypted.eml", multi_mail(
        "d@secret.example", "Report Domain: example.org", [attached(
            "application/zip", NAME.replace(".xml.gz", ".zip"),
            zip_with("r.xml", feedback("secret.example", "e1").encode(), 8, 1))]))

    fixture("container-zip-deflate64.eml", multi_mail(
        "d@deflate.example", "Report Domain: example.org", [attached(
            "application/zip", NAME.replace(".xml.gz", ".zip"),
            zip_with("r.xml", feedback("deflate.example", "e2").encode(), 9, 0))]))

    fixture("container-gzip-truncated.eml", multi_mail(
        "d@half.example", "Report Domain: example.org", [attached(
            "application/gzip", NAME, packed("half.example", "h1")[:-60])]))

    fixture("container-bomb.eml", multi_mail(
        "d@bomb.example", "Report Domain: example.org", [attached(
            "application/gzip", NAME, gz(b"<" * (2 << 20)))]))

    fixture("container-two-attachments.eml", multi_mail(
        "d@two.example", "Report Domain: example.org",
        [attached("application/gzip", NAME, packed("two.example", "t1")),
         attached("application/gzip", NAME.replace(".org!", ".com!"), packed(
             "two.example", "t2", published=policy("example.com")))]))

    fixture("container-one-good-one-broken.eml", multi_mail(
        "d@mixed.example", "Report Domain: example.org",
        [attached("application/gzip", NAME, packed("mixed.example", "g1")),
         attached("application/gzip", NAME, packed("mixed.example", "g2")[:-40])]))

    fixture("container-quoted-printable-gzip.eml", multi_mail(
        "d@qp.example", "Report Domain: example.org",
        [part(f'application/gzip; name="{NAME}"', "".join(
            f"={c:02X}" + ("=\n" if i % 24 == 23 else "")
            for i, c in enumerate(packed("qp.example", "q1"))) + "=\n", "quoted-printable")]))

    def uuencoded(data):
        import binascii
        lines = [binascii.b2a_uu(data[i:i + 45]).decode() for i in range(0, len(data), 45)]
        return "begin 644 r.xml.gz\n" + "".join(lines) + "`\nend\n"

    fixture("container-uuencode.eml", mail(
        "d@uu.example", "Report Domain: example.org",
        part("text/plain", "The report follows.\n\n" + uuencoded(packed("uu.example", "u1")))))

    def yenc(data):
        line = b"".join(
            b"=" + bytes([(c + 106) & 255]) if (c + 42) & 255 in (0, 9, 10, 13, 46, 61)
            else bytes([(c + 42) & 255]) for c in data)
        return (b"=ybegin line=9999 size=%d name=r.xml.gz\r\n" % len(data) + line
                + b"\r\n=yend size=%d crc32=%08x\r\n" % (len(data), zlib.crc32(data)))

    fixture("container-yenc.eml", mail(
        "d@yenc.example", "Report Domain: example.org", part(
            "text/plain", "The report follows.\n\n", "8bit")).replace("\n", "\r\n").encode()
            + yenc(packed("yenc.example", "y1")))

    def zipped64(name, data):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            info = zipfile.ZipInfo(name, (2025, 4, 8, 2, 0, 0))
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            with archive.open(info, "w", force_zip64=True) as member:
                member.write(data)
        return out.getvalue()

    fixture("container-zip64.eml", multi_mail(
        "d@large.example", "Report Domain: example.org", [attached(
            "application/zip", NAME.replace(".xml.gz", ".zip"),
            zipped64("r.xml", feedback("large.example", "z64").encode()))]))

    def tnef(name, data):
        def attribute(number, value):
            return (b"\2" + struct.pack("<II", number, len(value)) + value
                    + struct.pack("<H", sum(value) & 0xFFFF))
        return (struct.pack("<IH", 0x223E9F78, 1) + attribute(0x00069002, b"\1" + b"\0" * 13)
                + attribute(0x00018010, name + b"\0") + attribute(0x0006800F, data))

    fixture("container-gzip-behind-empty-line.eml", multi_mail(
        "d@spaced.example", "Report Domain: example.org",
        [TEXT, attached("application/gzip", NAME, b"\r\n" + packed("spaced.example", "s1"))]))

    fixture("container-winmail-dat.eml", multi_mail(
        "d@tnef.example", "Report Domain: example.org", [attached(
            "application/ms-tnef", "winmail.dat", tnef(b"r.xml.gz", packed("tnef.example", "w1")))]))

    fixture("mail-message-partial.eml", mail(
        "d@piece.example", "Report Domain: example.org", part(
            'message/partial; id="p1@piece.example"; number=1; total=2',
            "Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n"
            + b64(packed("piece.example", "p1"))[:200])))

    fixture("mail-misspelt-content-type.eml", multi_mail(
        "d@trust.example", "Report Domain: example.org Submitter: trust.example",
        [TEXT, part(None, b64(packed("trust.example", "c1")), "base64",
                    f'attachment; filename="{NAME}"',
                    f'ContentType: application/gzip; name="{NAME}"\n')]))

    fixture("mail-report-first.eml", multi_mail(
        "d@list.example", "[dmarc] Report Domain: example.org",
        [attached("application/gzip", NAME, packed("list.example", "f1")), TEXT,
         part("text/plain", "-- \nlist mailing list\n")]))

    inner = multi_mail("d@inner.example", "Report Domain: example.org Submitter: inner.example",
                       [TEXT, attached("application/gzip", NAME, packed("inner.example", "i1"))])
    head, text = multipart("mixed", [part("text/plain", "Forwarded for your records.\n"),
                                     part("message/rfc822", inner)], "=_outer")
    fixture("mail-forwarded-rfc822.eml", mail(
        "admin@example.org", "Fwd: Report Domain: example.org", text, head=head))

    def loose(text):
        text = text.replace("\n", "").rstrip("=")
        return text[:10] + " \n" + text[10:111] + "\t\n\n-" + text[111:] + "\n"

    fixture("mail-loose-base64.eml", multi_mail(
        "d@loose.example", "Report Domain: example.org",
        [part(f'application/gzip; name="{NAME}"', loose(b64(packed("loose.example", "b1"))),
              "Base64 ")]))

    # Without padding, nothing but the footer's own bytes tells where the report ends.
    whole = next(data for data in (packed("footer.example", "f" * n) for n in range(1, 99))
                 if len(data) % 3 == 0)
    fixture("mail-footer-behind-base64.eml", mail(
        "d@footer.example", "[dmarc] Report Domain: example.org", part(
            f'application/gzip; name="{NAME}"', b64(whole)
            + "_" * 40 + " [dmarc] mailing list -- https://list.example/options/dmarc",
            "base64")))

    fixture("mail-feedback-address.eml", mail(
        "a@people.example", "Where to?", part(
            "text/plain", "Send it to <feedback@example.org>; a report begins with <feedback>.\n")))

    fixture("mail-dmarc-fail.eml", multi_mail(
        "d@forged.example", "Report Domain: example.org",
        [attached("application/gzip", NAME, packed("forged.example", "a2"))],
        more="Authentication-Results: mx.reports.example; spf=fail; dkim=none; dmarc=fail\n"))

    fixture("mail-yahoo-unused.eml", multi_mail(
        "d@portal.example", "Report Domain: example.org",
        [attached("application/gzip", NAME, gz(b"unused"))]))

    fixture("mail-empty-attachment.eml", multi_mail(
        "d@empty.example", "Report Domain: example.org",
        [attached("application/gzip", NAME, b"")]))

    fixture("mail-odd-file-names.eml", multi_mail(
        "d@names.example", "Test",
        [part("application/gzip;\n name*0*=utf-8''%2E%2E%2F;\n name*1=\"!example.org!1!2.xml\"",
              b64(packed("names.example", "a1")), "base64", "attachment")]))

    fixture("mail-latin1-text-part.eml", multi_mail(
        "d@latin.example", "Report Domain: example.org",
        [part("text/plain; charset=iso-8859-1", "Bericht f=FCr Sie\n", "quoted-printable"),
         attached("application/gzip", NAME, packed("latin.example", "l1"))]))

    fixture("mail-bounce.eml", multi_mail(
        "MAILER-DAEMON@mx.bounce.example", "Undelivered Mail Returned to Sender",
        [part("text/plain", "Your message could not be delivered.\n"),
         part("message/delivery-status", "Reporting-MTA: dns; mx.bounce.example\n\n"
              "Final-Recipient: rfc822; nobody@example.org\nAction: failed\nStatus: 5.1.1\n"),
         part("message/rfc822", "From: rua@reports.example\nSubject: hello\n\nhello\n")],
        kind="report; report-type=delivery-status"))

    fixture("mail-auto-reply.eml", mail(
        "person@office.example", "Automatic reply: Report Domain: example.org",
        part("text/plain", "I am out of the office until Monday.\n"),
        more="Auto-Submitted: auto-replied\n"))

    plain = mail("d@classic.example", "Report Domain: example.org",
                 part("text/xml", feedback("classic.example", "k1")))
    fixture("mail-cr-only.eml", plain.replace("\n", "\r").encode())
    fixture("mail-lf-only.eml", plain.replace("classic", "unix").encode())
    fixture("mail-mbox-line.eml", b"From d@box.example Tue Apr  8 02:11:12 2025\n"
            + plain.replace("classic", "box").encode())

    fixture("mail-size-notice.eml", mail(
        "d@big.example", "Report Domain: example.org", part(
            "text/plain", f"Report-Date: {SENT}\nReport-Domain: example.org\n"
            "Report-ID: 77@big.example\nReport-Size: 12345678\nSubmitter: big.example\n"
            "Submitting-URI: mailto:rua@reports.example\n")))


# ---------------------------------------------------------------- XML form (10.2)


def xml_form():
    good = feedback("x.example", "x1")

    def form(name, org, xml):
        one_report(f"xml-{name}.eml", org, xml)

    def of(org):
        return good.replace("x.example", org)

    form("stray-schema", "shop.example", of("shop.example").replace(
        "<feedback>", '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        'targetNamespace="http://dmarc.org/dmarc-xml/0.1">\n<feedback>'))
    form("raw-angles", "angle.example", of("angle.example").replace(
        "<email>dmarc@angle.example</email>", "<email><dmarc@angle.example></email>").replace(
            "<header_from>example.org<", "<header_from>example.org<foo<"))
    form("raw-ampersand", "amp.example", of("amp.example").replace(
        "<org_name>amp.example", "<org_name>Ham & Eggs"))
    form("bad-utf8-byte", "byte.example", of("byte.example").encode().replace(
        b"<org_name>byte", b"<org_name>b\xffyte\xc3\xa9"))
    form("undeclared-latin1", "accent.example", of("accent.example").replace(
        "<org_name>accent", "<org_name>Soci\u00e9t\u00e9 accent").replace(
            ' encoding="UTF-8"', "").encode("latin-1"))
    form("windows-1252", "aol.example", of("aol.example").replace("UTF-8", "windows-1252").replace(
        "<org_name>aol", "<org_name>A\u2019L \u20ac").encode("cp1252"))
    form("utf16", "wide.example", of("wide.example").replace("UTF-8", "UTF-16").encode("utf-16"))
    form("blank-before-declaration", "early.example", "\n \n" + of("early.example"))
    form("one-line-no-declaration", "line.example", "".join(
        line.strip() for line in of("line.example").split("\n")[1:]))
    form("prefixed-root", "prefix.example", of("prefix.example").replace(
        "<feedback>", '<ns1:feedback xmlns:ns1="http://dmarc.org/dmarc-xml/0.1">').replace(
            "</feedback>", "</ns1:feedback>"))
    form("truncated", "short.example", of("short.example")[:-160])
    form("no-report", "root.example", of("root.example").replace("feedback>", "inventory>"))
    form("padded-values", "pad.example", of("pad.example").replace("</", " \t\n</"))
    form("empty-elements", "void.example", of("void.example").replace(
        "<selector>s1</selector>", "<selector/>").replace("<sp>none</sp>", "<sp></sp>").replace(
            "<scope>mfrom</scope>", "<scope/>"))
    form("identities", "rename.example", of("rename.example").replace("identifiers>", "identities>"))
    form("doctype", "dtd.example", of("dtd.example").replace(
        "<feedback>", '<!DOCTYPE feedback [<!ENTITY who "evil.example">]>\n<feedback>').replace(
            "<org_name>dtd", "<org_name>&who; dtd"))
    form("nul-byte", "nul.example", of("nul.example").encode().replace(b"<org_name>n", b"<org_name>\0n"))
    form("any-order", "order.example",
         '<?xml version="1.0"?>\n<feedback>\n' + record() + policy()
         + metadata("order.example", "dmarc@order.example", "x1") + "</feedback>\n")


# ---------------------------------------------------------------- XML values (10.3)


def xml_values():
    def values(name, org, **options):
        one_report(f"values-{name}.eml", org, feedback(org, "v1", **options))

    values("version-2", "v2.example", version="<version>2.0</version>")
    one_report("values-nameless-reporter.eml", "nameless.example",
               feedback("", "v1", email="dmarc@nameless.example"))
    values("empty-domain", "nodomain.example", published=policy(""))
    values("missing-policy", "default.example", published=policy(more="<p>{p}</p>"))
    values("fractions", "163.example", begin=f"{DAY}.0", end=f"{DAY + 86399}.75")
    values("begin-is-end", "instant.example", begin=DAY, end=DAY)
    values("three-years", "years.example", begin=DAY - 3 * 31536000, end=DAY)
    values("local-midnight", "local.example", begin=DAY + 7200, end=DAY + 93599)
    values("odd-results", "odd.example", records=record(
        disposition="Pass", dkim="Pass", spf="None",
        dkim_results=(("example.org", "s1", "Unknown"), ("bulk.example", "s2", "error")),
        spf_results=(("example.org", "mfrom", "hardfail"), ("mx.bulk.example", "helo", "None"))))
    values("odd-disposition", "soft.example", records=record(disposition="softfail") + record(
        disposition="", dkim=None, spf=None))
    values("reasons", "why.example", records=record(
        disposition="none", dkim="fail", spf="fail",
        reasons="<reason>sampled_out</reason><reason><type/></reason><reason><type>local_policy"
                "</type><comment>arc=pass as[1].d=relay.example</comment></reason>"
                "<reason><type>moonphase</type></reason>",
        dkim_results=(("example.org", "s1", "fail"),), spf_results=()))
    values("null-report", "null.example", records=record(
        "", 0, "none", "fail", "fail", dkim_results=(), spf_results=(("", "mfrom", ""),)))
    values("no-records", "none.example", records="")
    values("one-without-source", "gap.example", records=record(count=5) + record(None, 2) + record(
        "192.0.2.11", 4))
    values("addresses", "ip.example", records=record("108r.166.27.220", 1) + record(
        "2001:0DB8:0000:0000:0000:0000:0000:00AB", 1) + record("::ffff:192.0.2.9", 1) + record(
            "[2001:db8::1]:25", 1) + record("fe80::1%eth0", 1) + record("192.0.2.1:587", 1))
    values("counts", "count.example", records=record(count=-1) + record(count="many") + record(
        count="1e3") + record(count=1000000000001) + record(count=4294967296))
    values("envelope-from", "env.example", records=record(envelope_from="") + record(
        envelope_from="&lt;&gt;") + record(envelope_from="Bounce.Example.Org."))
    values("many-spf", "many.example", records=record(spf_results=(
        ("example.org", "mfrom", "pass"), ("mx.example.org", "helo", "none"),
        ("example.org", "nonsense", "fail"), ("NULL", None, "none"), (None, "mfrom", "none"))))
    one_report("values-no-auth-results.eml", "bare.example", feedback(
        "bare.example", "v1", records=record().replace("<auth_results>", "<!--").replace(
            "</auth_results>", "-->")))
    for number, report_id in enumerate(
            ("&lt;a$b:c!d@id.example&gt;", "two  words\n in  lines", ""), 1):
        one_report(f"values-report-id-{number}.eml", "id.example",
                   feedback("id.example", report_id))
    values("pct-text", "pct.example", published=policy(more="<p>none</p><pct>all</pct><fo>0:d:s</fo>"))
    values("milliseconds", "ms.example", begin=DAY * 1000, end=(DAY + 86399) * 1000)
    values("iso-dates", "iso.example", begin="2025-04-07T00:00:00Z", end="2025-04-07T23:59:59Z")
    values("unknown-elements", "new.example", extra="<shiny><new>1</new></shiny>\n",
           meta_more="    <error>first</error>\n    <error>second</error>\n")


# ---------------------------------------------------------------- failure reports (10.4)

SAMPLE = ("Received: from out.bulk.example (out.bulk.example [192.0.2.66])\n"
          "\tby mx.net.example with ESMTP id 77; Mon, 7 Apr 2025 23:16:08 +0200\n"
          "Received: from desk (localhost [127.0.0.1]) by out.bulk.example;\n"
          "\tMon, 7 Apr 2025 23:16:02 +0200\n"
          "From: \"Billing\" <billing@example.org>\n"
          "To: user@net.example\n"
          "Subject: Invoice\n"
          "Date: Mon, 7 Apr 2025 23:16:00 +0200\n"
          "Message-ID: <77@out.bulk.example>\n")

ARF = ("Feedback-Type: auth-failure\n"
       "User-Agent: Example-Filter/1.0\n"
       "Version: 1\n"
       "Original-Mail-From: <bounce@bulk.example>\n"
       "Original-Rcpt-To: <user@net.example>\n"
       "Arrival-Date: Mon, 07 Apr 2025 23:16:09 +0200\n"
       "Source-IP: 192.0.2.66\n"
       "Reported-Domain: example.org\n"
       "Authentication-Results: mx.net.example; dmarc=fail header.from=example.org\n"
       "Auth-Failure: dmarc\n"
       "Delivery-Result: reject\n"
       "Identity-Alignment: none\n")


def arf(name, fields=ARF, sample=None, kind="report; report-type=feedback-report",
        sender="reports@net.example", subject="FW: Invoice", part2=None):
    parts = [part("text/plain", "An authentication failure report about one message.\n"),
             part2 or part("message/feedback-report", fields, "7bit")]
    sample = part("message/rfc822", SAMPLE + "\nPlease pay.\n") if sample is None else sample
    fixture(f"{name}.eml", multi_mail(sender, subject, parts + ([sample] if sample else []),
                                      kind=kind, to="ruf@reports.example"))


def without(fields, *names):
    return "".join(line for line in fields.splitlines(True)
                   if line.split(":")[0] not in names)


def failures():
    arf("failure-by-the-book")
    arf("linkedin-arf", without(ARF, "Identity-Alignment").replace(
        "Delivery-Result: reject", "Delivery-Result: delivered") + "DKIM-Domain: example.org\n"
        "DKIM-Identity: @example.org\nDKIM-Selector: s1\nSPF-DNS: txt : example.org : \"v=spf1 -all\"\n"
        "Original-Envelope-Id: 4ZX1\nReporting-MTA: dns; mx.net.example\nIncidents: 2\n"
        "Source-Port: 41234\n", subject="Invoice", sender="feedback@linked.example")
    arf("opendmarc-arf", without(ARF, "Identity-Alignment", "Delivery-Result", "Arrival-Date"
                                 ).replace("Source-IP: 192.0.2.66",
                                           "Source-IP: 192.0.2.66 (out.bulk.example)"),
        part("text/rfc822-headers", SAMPLE), sender="opendmarc@mx.open.example")
    arf("symantec-odd-result", without(ARF, "Identity-Alignment").replace(
        "Delivery-Result: reject", "Delivery-Result: smg-policy-action"))
    chinese = SAMPLE.replace("Subject: Invoice", "Subject: " + word(
        "\u56de\u590d:\u8c22\u8c22\uff01", "gb2312")).replace("Billing", word("\u674e", "gb2312", "q"))
    arf("netease-gb2312-base64", kind="mixed", subject="[Failure Report] Invoice",
        part2=part('message/feedback-report; name="ATT00001"', b64(without(
            ARF, "Auth-Failure").replace("Identity-Alignment: none", "Identity-Alignment: spf,dkim"
                                         ).encode()), "base64", 'attachment; filename="ATT00001"'),
        sample=part("message/rfc822", chinese + "\nhello\n"))
    form = ("A message claiming to be from you has failed the published DMARC policy for your "
            "domain.\n\n  Sender Domain: example.org\n  Sender IP Address: 192.0.2.66\n"
            "  Received date: Mon, 07 Apr 2025 23:16:09 +0200\n  SPF Alignment: no\n"
            "  DKIM Alignment: no\n  DMARC Results: None, Accept\n\n------ This is a copy of the "
            "headers that were received before the error was detected.\n\n")
    fixture("exim-plain-text.eml", multi_mail(
        "no-reply@mailgate.example", "DMARC Forensic Report for example.org from IP 192.0.2.66",
        [part("text/plain; charset=us-ascii", form + SAMPLE, "7bit")], kind="report",
        to="ruf@reports.example"))
    rewrapped = form.replace("published DMARC", "published\nDMARC").replace(
        "received before", "received\nbefore").replace("Accept", "Reject")
    fixture("exim-rewrapped-quoted.eml", mail(
        "list@lists.example", "Fwd: DMARC Forensic Report for example.org",
        part("text/plain", "Seen this?\n\n" + "".join(
            f"> {line}\n" for line in (rewrapped + SAMPLE).splitlines()))))
    fixture("exim-no-break-spaces.eml", mail(
        "list@lists.example", "Fwd: DMARC Forensic Report for example.org",
        part("text/plain; charset=utf-8", form.replace("\n  ", " \u00a0\n\u00a0 ") + SAMPLE, "8bit"),
        to="ruf@reports.example"))
    arf("failure-fields-as-text", kind="mixed", part2=part("text/plain", ARF))
    arf("failure-repeated-fields", ARF + "Original-Rcpt-To: <second@net.example>\n"
        "Original-Rcpt-To: <third@net.example>\nReported-Domain: second.example\n"
        "Source-IP: 192.0.2.67\nReported-URI: https://bulk.example/\nX-Unknown: kept\n")
    arf("failure-received-date", ARF.replace("Arrival-Date", "Received-Date").replace(
        "Version: 1", "Version: 0.1") + "Removal-Recipient: user@net.example\n")
    arf("failure-singular-headers", sample=part("text/rfc822-header", SAMPLE))
    arf("failure-no-sample", sample="")
    arf("failure-sample-not-a-message", sample=part(
        "message/rfc822", "(the message was removed)\n\n"))
    arf("failure-derived", without(ARF, "Arrival-Date", "Reported-Domain", "Feedback-Type"))
    eight_bit = SAMPLE.replace("Invoice", "Za\u017c\u00f3\u0142\u0107").replace(
        "Billing", word("P\u0159\u00edjem", "windows-1250"))
    raw = multi_mail("reports@net.example", "FW:", [
        TEXT, part("message/feedback-report", ARF), part("message/rfc822", eight_bit + "\n.\n")],
        kind="report; report-type=feedback-report", to="ruf@reports.example")
    fixture("failure-raw-8bit-header.eml", raw.replace("\n", "\r\n").encode("iso-8859-2"))
    arf("failure-blank-line-of-a-space", part2="Content-Type: message/feedback-report\n \n" + ARF)
    arf("failure-odd-numbers", ARF.replace("Source-IP: 192.0.2.66", "Source-IP: unknown").replace(
        "Mon, 07 Apr 2025 23:16:09 +0200", "2025-04-07 21:16") + "Incidents: lots\nSource-Port: 99999\n")
    arf("complaint-abuse", "Feedback-Type: abuse\nUser-Agent: Loop/1\nVersion: 1\n"
        "Original-Rcpt-To: <user@net.example>\nSource-IP: 192.0.2.66\n", subject="complaint")
    arf("complaint-opt-out", "Feedback-Type: opt-out\nUser-Agent: Loop/1\nVersion: 0.1\n",
        part("text/rfc822-header", SAMPLE), subject="complaint")
    arf("failure-empty-part", part2=part("message/feedback-report", "\n"))


# ---------------------------------------------------------------- TLS reports (10.5)


def tls_json(org, report_id, policies, contact='"tls@{org}"', end="2025-04-07T23:59:59Z"):
    contact = "" if contact is None else f'"contact-info":{contact.replace("{org}", org)},'
    return (f'{{"organization-name":"{org}","date-range":{{"start-datetime":'
            f'"2025-04-07T00:00:00Z","end-datetime":"{end}"}},{contact}'
            f'"report-id":"{report_id}","policies":{policies}}}')


STS = ('{"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: enforce",'
       '"mx: mx.example.org","max_age: 604800"],"policy-domain":"example.org",'
       '"mx-host":["mx.example.org"]},"summary":{"total-successful-session-count":48,'
       '"total-failure-session-count":0}}')

FAILED = ('{"policy":{"policy-type":"tlsa","policy-string":["3 1 1 0123"],'
          '"policy-domain":"example.org","mx-host":"mx.example.org"},'
          '"summary":{"total-successful-session-count":5326,"total-failure-session-count":303},'
          '"failure-details":[{"result-type":"certificate-expired","sending-mta-ip":"2001:db8:abcd::1",'
          '"receiving-mx-hostname":"mx1.example.org","failed-session-count":100},'
          '{"result-type":"starttls-not-supported","sending-mta-ip":"2001:DB8:ABCD::2",'
          '"receiving-mx-hostname":"mx2.example.org","receiving-ip":"203.0.113.56",'
          '"failed-session-count":200,"additional-information":"https://reports.example/info?id=50"},'
          '{"result-type":"validation-failure","sending-mta-ip":"198.51.100.62",'
          '"receiving-ip":"203.0.113.58","receiving-mx-hostname":"mx.example.org",'
          '"receiving-mx-helo":"mx","failed-session-count":3,'
          '"failure-reason-code":"X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"}]}')


def tls(name, org, json, media_type="application/tlsrpt+gzip", **options):
    data = gz(json.encode()) if media_type.endswith("gzip") else json.encode()
    fixture(f"tls-{name}.eml", multi_mail(
        f"tls@{org}", f"Report Domain: example.org Submitter: {org} Report-ID: <r@{org}>",
        [part("text/plain", "This is an aggregate TLS report.\n"),
         attached(media_type, f"{org}!example.org!1743984000!1744070399!001.json"
                  + (".gz" if media_type.endswith("gzip") else ""), data)],
        kind="report; report-type=tlsrpt",
        more=f"TLS-Report-Domain: example.org\nTLS-Report-Submitter: {org}\n", **options))


def tls_reports():
    tls("google", "search.example", tls_json("search.example", "2025-04-07T00:00:00Z_example.org",
                                             f"[{STS}]"))
    tls("by-the-book", "company.example", tls_json("Company-Y Example", "5065427c-23d3",
                                                   f"[{STS},{FAILED}]", '"tls@company.example"'))
    tls("microsoft", "office.example", tls_json(
        "Office Example", "133925885310113267+example.org", "[" + STS.replace('":48', '":0').replace(
            'count":0}}', 'count":3},"failure-details":[{"result-type":"sts-policy-fetch-error",'
            '"failed-session-count":3}]}') + "]", None))
    one = '{"failed-session-count":1,"failure-reason-code":"bad https response code: %d",' \
          '"result-type":"sts-policy-fetch-error"}'
    tls("mailru", "post.example", tls_json(
        "Post Example", "b28254de-7b2e@post.example",
        '[{"failure-details":[' + one % 404 + "," + one % 500 + '],"policy":{"policy-domain":'
        '"example.org","policy-type":"sts"},"summary":{"total-failure-session-count":1,'
        '"total-successful-session-count":0}}]', '"tls@post.example"', "2025-04-08T00:00:00Z"))
    tls("domain-from-header", "search.example", tls_json(
        "search.example", "h1", '[{"policy":{"policy-type":"no-policy-found"},"summary":'
        '{"total-successful-session-count":1}}]'))
    nameless = '[{"policy":{"policy-type":"no-policy-found"},"summary":{' \
               '"total-successful-session-count":2,"total-failure-session-count":0}}]'
    head, text = multipart("mixed", [part("text/plain", "For your records.\n"), part(
        "message/rfc822", mail(
            "tls@search.example", "Report Domain: example.org Submitter: search.example",
            part("application/tlsrpt+json", tls_json("search.example", "h2", nameless) + "\n"),
            more="TLS-Report-Domain: example.org\nTLS-Report-Submitter: search.example\n"))])
    fixture("tls-forwarded-domain.eml", mail(
        "admin@example.net", "Fwd: Report Domain: example.org", text, head=head))
    tls("array", "list.example", "[" + tls_json("list.example", "l1", f"[{STS}]") + ","
        + tls_json("list.example", "l2", f"[{FAILED}]") + "]")
    tls("lenient", "quirky.example", tls_json(
        "quirky.example", "quirky-001", '[{"policy":{"policy-type":"STS","policy-string":'
        '"version: STSv1","policy-domain":"Example.Org."},"summary":{"total-successful-session-count":'
        '"42","total-failure-session-count":"7"},"failure-details":[{"result-type":"quantum-flux",'
        '"sending-mta-ip":"192.0.2.1","failed-session-count":"5"},{"result-type":"certificate-expired",'
        '"receiving-mx-hostname":"MX1.Example.Org."}]}]', "null"))
    tls("empty-policies", "quiet.example", tls_json("quiet.example", "q1", "[]"))
    fixture("tls-flat-json.eml", mail(
        "tls@flat.example", "Report Domain: example.org Submitter: flat.example Report-ID: <f1>",
        part('application/tlsrpt; name="flat.example!example.org!1!2.json"',
             tls_json("flat.example", "f1", f"[{STS}]") + "\n", "7bit")))
    tls("octet-stream-commas", "comma.example", tls_json("comma.example", "c1", f"[{STS},]"),
        "application/octet-stream")
    tls("truncated", "cut.example", tls_json("cut.example", "c2", f"[{STS}]")[:-20],
        "application/json")
    tls("other-json", "else.example", '{"Version":"2012-10-17","Statement":[]}', "application/json")


# ---------------------------------------------------------------- files, as import meets them


def files():
    xml = feedback("file.example", "p1").encode()
    fixture("file-report.xml", xml)
    fixture("file-report-2.xml.gz", gz(xml.replace(b"p1", b"p2"), b"file.example!example.org.xml"))
    fixture("file-report-3.zip", zipped([("r.xml", xml.replace(b"p1", b"p3"))]))
    fixture("file-tls.json", tls_json("file.example", "j1", f"[{STS}]").encode())


def main():
    for make in (styles, containers, xml_form, xml_values, failures, tls_reports, files):
        make()
    folder = pathlib.Path(__file__).resolve().parent
    for name, content in sorted(FIXTURES.items()):
        (folder / name).write_bytes(content)
    kept = set(FIXTURES)
    stale = [path.name for path in folder.iterdir()
             if path.suffix in (".eml", ".xml", ".gz", ".zip", ".json") and path.name not in kept]
    if stale:
        sys.exit(f"not made by this script: {', '.join(sorted(stale))}")


if __name__ == "__main__":
    main()
