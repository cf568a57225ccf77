#!/usr/bin/env python3
"""Deterministic report mails for the benchmarks (standard library only).

usage: make_mails.py OUT [--aggregate 1900] [--failure 100] [--big 3x5000] [--records N] [--seed 7]

Writes OUT/000000.eml ... in CRLF form and OUT/expected.json with the totals that a receiver must arrive at:
reports, records, messages, failure reports. --records N gives every aggregate report exactly N records
(for curves); otherwise the number of records is log-normal with median 4, at most 50, 1 % up to 400, and the
--big reports have 5,000. 2 % of the aggregate mails are re-sends of an earlier report in another mail.
Only reserved names and addresses are used.
"""
import argparse
import base64
import gzip
import io
import json
import pathlib
import random
import zipfile

DAY = 86400
FIRST_DAY = 1767225600  # 2026-01-01T00:00:00Z


class Reporter:
    def __init__(self, number):
        self.name = f"reporter{number}.example"


def address(rng):
    kind = rng.randrange(25)
    if kind < 3:
        return f"2001:db8:{rng.randrange(1 << 16):x}::{rng.randrange(1, 1 << 16):x}"
    if kind < 5:
        return f"{rng.choice(['192.0.2', '198.51.100', '203.0.113'])}.{rng.randrange(1, 255)}"
    return f"198.{rng.randrange(18, 20)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def record_xml(rng, domain, sources):
    dkim_ok, spf_ok = rng.random() < 0.8, rng.random() < 0.7
    count = 1 if rng.random() < 0.6 else min(20000, int(rng.paretovariate(0.9)) + 1)
    disposition = "none" if dkim_ok or spf_ok else rng.choice(["none", "quarantine", "reject"])
    other = f"sender{rng.randrange(40)}.example"
    reason = ""
    if rng.random() < 0.05:
        reason = (f"<reason><type>{rng.choice(['local_policy', 'mailing_list', 'forwarded'])}</type>"
                  "<comment>list &amp; relay</comment></reason>")
    envelope = f"<envelope_from>{domain if spf_ok else other}</envelope_from>" if rng.random() < 0.5 else ""
    signatures = "".join(
        f"\n      <dkim>\n        <domain>{domain if dkim_ok else other}</domain>\n        <selector>s{rng.randrange(9)}</selector>\n"
        f"        <result>{'pass' if dkim_ok else rng.choice(['fail', 'permerror'])}</result>\n      </dkim>"
        for _ in range(rng.choices([0, 1, 2], [10, 63, 27])[0]))
    text = f"""  <record>
    <row>
      <source_ip>{rng.choice(sources[domain]) if sources else address(rng)}</source_ip>
      <count>{count}</count>
      <policy_evaluated>
        <disposition>{disposition}</disposition>
        <dkim>{'pass' if dkim_ok else 'fail'}</dkim>
        <spf>{'pass' if spf_ok else 'fail'}</spf>
        {reason}
      </policy_evaluated>
    </row>
    <identifiers>
      {envelope}
      <header_from>{domain}</header_from>
    </identifiers>
    <auth_results>{signatures}
      <spf>
        <domain>{domain if spf_ok else other}</domain>
        <result>{'pass' if spf_ok else rng.choice(['fail', 'softfail', 'neutral', 'none', 'temperror'])}</result>
      </spf>
    </auth_results>
  </record>
"""
    return text, count


def aggregate(rng, sequence, reporter, domain, records, sources):
    begin = FIRST_DAY + DAY * rng.randrange(300)
    report_id = f"{sequence}-{rng.getrandbits(60):x}"
    parts = [f"""<?xml version="1.0" encoding="UTF-8"?>
<feedback>
  <report_metadata>
    <org_name>{reporter}</org_name>
    <email>dmarc@{reporter}</email>
    <extra_contact_info>https://{reporter}/help</extra_contact_info>
    <report_id>{report_id}</report_id>
    <date_range><begin>{begin}</begin><end>{begin + DAY - 1}</end></date_range>
  </report_metadata>
  <policy_published>
    <domain>{domain}</domain>
    <adkim>{rng.choice('rs')}</adkim>
    <aspf>{rng.choice('rs')}</aspf>
    <p>{rng.choice(['none', 'quarantine', 'reject'])}</p>
    <sp>none</sp>
    <pct>100</pct>
  </policy_published>
"""]
    messages = 0
    for _ in range(records):
        text, count = record_xml(rng, domain, sources)
        parts.append(text)
        messages += count
    parts.append("</feedback>\n")
    return "".join(parts).encode(), messages, begin


def base64_lines(data):
    return base64.encodebytes(data).replace(b"\n", b"\r\n").decode()


def top_header(rng, sequence, reporter, subject):
    noise = base64.b64encode(rng.randbytes(96)).decode()
    return (f"Received: from out{sequence % 7}.{reporter} (out{sequence % 7}.{reporter} [198.51.100.{sequence % 254 + 1}])\r\n"
            f"\tby mx.reports.example with ESMTPS id {sequence:x}; Mon, 5 Jan 2026 00:10:00 +0000\r\n"
            f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={reporter}; s=2025;\r\n"
            f"\th=from:to:subject:date:message-id; bh={noise[:44]};\r\n\tb={noise}\r\n"
            f"From: DMARC reports <noreply@{reporter}>\r\nTo: rua@reports.example\r\nSubject: {subject}\r\n"
            f"Date: Mon, 5 Jan 2026 00:10:00 +0000\r\nMessage-ID: <{sequence}.{rng.getrandbits(48):x}@{reporter}>\r\n"
            "MIME-Version: 1.0\r\n")


def aggregate_mail(rng, sequence, reporter, domain, xml, begin, form):
    name = f"{reporter}!{domain}!{begin}!{begin + DAY - 1}"
    if form.startswith("zip"):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(name + ".xml", (2026, 1, 1, 0, 0, 0)), xml, zipfile.ZIP_DEFLATED)
        data, kind, file_name = packed.getvalue(), "application/zip", name + ".zip"
    elif form == "xml":
        data, kind, file_name = xml, "text/xml", name + ".xml"
    else:
        data, kind, file_name = gzip.compress(xml, 6, mtime=0), "application/gzip", name + ".xml.gz"
    attachment = (f"Content-Type: {kind}; name=\"{file_name}\"\r\nContent-Disposition: attachment; filename=\"{file_name}\"\r\n"
                  f"Content-Transfer-Encoding: base64\r\n\r\n{base64_lines(data)}")
    top = top_header(rng, sequence, reporter, f"Report Domain: {domain} Submitter: {reporter} Report-ID: <{sequence}>")
    if form.endswith("-alone"):
        return (top + attachment).encode()
    boundary = f"=_{sequence:x}_{rng.getrandbits(40):x}"
    return (top + f"Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"
            f"Content-Type: text/plain; charset=us-ascii\r\n\r\nAggregate report of {reporter} for {domain}.\r\n"
            f"--{boundary}\r\n{attachment}--{boundary}--\r\n").encode()


def failure_mail(rng, sequence, reporter, domain):
    boundary = f"=_f{sequence:x}"
    source = address(rng)
    subject = base64.b64encode(f"Rechnung {sequence} \u00fcber".encode()).decode()
    sample = (f"Received: from mail.{domain} ([{source}]) by mx.{reporter}; Mon, 5 Jan 2026 00:00:00 +0000\r\n"
              f"From: user{rng.randrange(900)}@{domain}\r\nTo: someone@{reporter}\r\nSubject: =?UTF-8?B?{subject}?=\r\n"
              f"Date: Mon, 5 Jan 2026 00:00:00 +0000\r\nMessage-ID: <{sequence}@{domain}>\r\n")
    whole = rng.random() < 0.5
    body = "".join(f"line {i} {rng.getrandbits(64):x}\r\n" for i in range(rng.randrange(3, 60))) if whole else ""
    return (top_header(rng, sequence, reporter, f"FW: failed DMARC: {domain}") +
            f"Content-Type: multipart/report; report-type=feedback-report; boundary=\"{boundary}\"\r\n\r\n"
            f"--{boundary}\r\nContent-Type: text/plain\r\n\r\nThis is an authentication failure report.\r\n"
            f"--{boundary}\r\nContent-Type: message/feedback-report\r\n\r\n"
            f"Feedback-Type: auth-failure\r\nUser-Agent: bench/1\r\nVersion: 1\r\nOriginal-Mail-From: <bounce@{domain}>\r\n"
            f"Arrival-Date: Mon, 5 Jan 2026 00:00:00 +0000\r\nSource-IP: {source}\r\nReported-Domain: {domain}\r\n"
            f"Authentication-Results: mx.{reporter}; dmarc=fail header.from={domain}\r\nAuth-Failure: dmarc\r\n"
            f"Identity-Alignment: none\r\nDelivery-Result: reject\r\n\r\n"
            f"--{boundary}\r\nContent-Type: {'message/rfc822' if whole else 'text/rfc822-headers'}\r\n\r\n"
            f"{sample}\r\n{body}--{boundary}--\r\n").encode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--aggregate", type=int, default=1900)
    parser.add_argument("--failure", type=int, default=100)
    parser.add_argument("--big", default="3x5000")
    parser.add_argument("--records", type=int, default=0)
    parser.add_argument("--sources", type=int, default=0, help="so many for each domain; 0: a new one in nearly every record, the worst case")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    big_count, big_records = (int(x) for x in options.big.split("x"))
    reporters = [Reporter(i).name for i in range(300)]
    weights = [1 / (i + 1) for i in range(len(reporters))]
    domains = [f"customer{i}.example" for i in range(60)]
    sources = {domain: [address(rng) for _ in range(options.sources)] for domain in domains} if options.sources else None
    total = dict(mails=0, aggregate_reports=0, records=0, messages=0, failure_reports=options.failure, bytes=0, xml_bytes=0)
    jobs = ["aggregate"] * options.aggregate + ["failure"] * options.failure
    rng.shuffle(jobs)
    big_at = set(rng.sample(range(len(jobs)), min(big_count, len(jobs)))) if not options.records else set()
    earlier = []
    for sequence, job in enumerate(jobs):
        reporter, domain = rng.choices(reporters, weights)[0], rng.choice(domains)
        if job == "failure" and sequence not in big_at:
            mail = failure_mail(rng, sequence, reporter, domain)
        elif earlier and sequence not in big_at and not options.records and rng.random() < 0.02:
            mail = aggregate_mail(rng, sequence, *rng.choice(earlier))
        else:
            if options.records:
                records = options.records
            elif sequence in big_at:
                records = big_records
            elif rng.random() < 0.01:
                records = rng.randint(51, 400)
            else:
                records = max(1, min(50, int(rng.lognormvariate(1.4, 1.1))))
            xml, messages, begin = aggregate(rng, sequence, reporter, domain, records, sources)
            form = rng.choices(["gz", "gz-alone", "zip", "zip-alone", "xml"], [62, 8, 17, 8, 5])[0] if records <= 1000 else "gz"
            if records <= 1000:
                earlier.append((reporter, domain, xml, begin, form))
            total["failure_reports"] -= job == "failure"
            total["aggregate_reports"] += 1
            total["records"] += records
            total["messages"] += messages
            total["xml_bytes"] += len(xml)
            mail = aggregate_mail(rng, sequence, reporter, domain, xml, begin, form)
        (options.out / f"{sequence:06d}.eml").write_bytes(mail)
        total["mails"] += 1
        total["bytes"] += len(mail)
    (options.out / "expected.json").write_text(json.dumps(total, indent=1) + "\n")
    print(json.dumps(total))


main()
