#!/usr/bin/env python3
"""A data set to look at: 90 days of reports on example.org, deterministic, reserved names only (standard library only).

usage: make_samples.py OUT_FOLDER [--until 2026-11-22] [--days 90]      then: dmarcbox import --db samples.db OUT_FOLDER

The cast, which `summary` and `readiness` must tell apart:
  own server     192.0.2.25, 2001:db8::25     DKIM and SPF aligned                        aligned
  provider       198.51.100.8, .9, .10        DKIM and SPF pass for esp.example only      misconfigured
  mailing list   203.0.113.40                 our signature breaks here, not elsewhere    forwarder
  spoofer        203.0.113.192 to .223        nothing passes; two bursts                  unauthenticated
Six reporters send daily; one of them fell silent 12 days before the end. Three failure reports with subjects in GB2312,
Shift_JIS and raw UTF-8, a TLS report a week with one expired certificate, one truncated gzip, one mail that is no report.
"""
import argparse
import base64
import datetime
import gzip
import json
import pathlib
import random

REPORTERS = {"bigmail.example": 0.55, "postbox.example": 0.2, "webmail.example": 0.12, "isp.example": 0.07, "university.example": 0.04,
             "silent.example": 0.02}
DOMAIN = "example.org"


def record(source, count, dkim, spf, results, disposition="none"):
    return (f"<record><row><source_ip>{source}</source_ip><count>{count}</count><policy_evaluated><disposition>{disposition}</disposition>"
            f"<dkim>{dkim}</dkim><spf>{spf}</spf></policy_evaluated></row><identifiers><header_from>{DOMAIN}</header_from></identifiers>"
            f"<auth_results>{results}</auth_results></record>")


def dkim(domain, selector, result):
    return f"<dkim><domain>{domain}</domain><selector>{selector}</selector><result>{result}</result></dkim>"


def spf(domain, result):
    return f"<spf><domain>{domain}</domain><scope>mfrom</scope><result>{result}</result></spf>"


def records_of(rng, share, day, age):
    """What one reporter saw on one day; `age` counts back from the last day."""
    def some(mean):
        return max(0, round(rng.gauss(mean * share, mean * share * 0.15)))
    weekend = 0.5 if day.weekday() >= 5 else 1.0
    found = []

    def add(count, *rest):
        if count:
            found.append(record(rest[0], count, *rest[1:]))
    own = dkim(DOMAIN, "s1", "pass") + spf(DOMAIN, "pass")
    add(some(320 * weekend), "192.0.2.25", "pass", "pass", own)
    add(some(80 * weekend), "2001:db8::25", "pass", "pass", own)
    newsletter = 3.0 if day.weekday() == 1 else 0.4
    for last in 8, 9, 10:
        add(some(20 * newsletter), f"198.51.100.{last}", "fail", "fail", dkim("esp.example", "k1", "pass") + spf("bounce.esp.example", "pass"))
    add(some(6), "203.0.113.40", "fail", "fail", dkim(DOMAIN, "s1", "fail") + spf("lists.example", "pass"))
    add(some(8), "203.0.113.40", "pass", "fail", dkim(DOMAIN, "s1", "pass") + spf("lists.example", "pass"))
    if age in (19, 20, 18, 52, 53):
        for last in range(192, 224):
            add(some(22), f"203.0.113.{last}", "fail", "fail", spf(DOMAIN, "fail"))
    return found


def aggregate(rng, reporter, share, day, age):
    begin = int(day.timestamp())
    parts = records_of(rng, share, day, age)
    xml = (f"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedback><report_metadata><org_name>{reporter}</org_name>"
           f"<email>dmarc@{reporter}</email><report_id>{reporter}.{begin}</report_id><date_range><begin>{begin}</begin>"
           f"<end>{begin + 86399}</end></date_range></report_metadata><policy_published><domain>{DOMAIN}</domain><adkim>r</adkim>"
           f"<aspf>r</aspf><p>none</p><sp>none</sp><pct>100</pct></policy_published>{''.join(parts)}</feedback>\n")
    return gzip.compress(xml.encode(), 6, mtime=0) if parts else None


def failure(number, day, source, subject):
    date = (day + datetime.timedelta(hours=9)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    head = (f"From: dmarc@bigmail.example\r\nTo: ruf@reports.example\r\nSubject: FW: failed\r\nDate: {date}\r\n"
            f"Message-ID: <failure-{number}@bigmail.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; "
            f"report-type=feedback-report; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nA message failed DMARC.\r\n"
            f"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: auth-failure\r\nUser-Agent: bigmail/1\r\nVersion: 1\r\n"
            f"Original-Mail-From: <bounce@spoofer.example>\r\nArrival-Date: {date}\r\nSource-IP: {source}\r\nReported-Domain: {DOMAIN}\r\n"
            f"Auth-Failure: dmarc\r\nDelivery-Result: delivered\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
            f"Received: from pc ([{source}]) by mx.bigmail.example; {date}\r\nFrom: \"Billing\" <billing@{DOMAIN}>\r\n"
            f"To: someone@bigmail.example\r\nDate: {date}\r\nMessage-ID: <s{number}@spoofer.example>\r\n").encode()
    return head + b"Subject: " + subject + b"\r\n\r\n--b--\r\n"


def encoded(text, charset):
    return b"=?" + charset.encode() + b"?B?" + base64.b64encode(text.encode(charset)) + b"?="


def tls(day):
    def iso(at):
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps({
        "organization-name": "bigmail.example", "contact-info": "tls@bigmail.example", "report-id": f"tls-{day:%Y%m%d}",
        "date-range": {"start-datetime": iso(day), "end-datetime": iso(day + datetime.timedelta(seconds=86399))},
        "policies": [{"policy": {"policy-type": "sts", "policy-string": ["version: STSv1"], "policy-domain": DOMAIN, "mx-host": ["mx.example.org"]},
                      "summary": {"total-successful-session-count": 180, "total-failure-session-count": 1},
                      "failure-details": [{"result-type": "certificate-expired", "sending-mta-ip": "192.0.2.200",
                                           "receiving-mx-hostname": "mx.example.org", "failed-session-count": 1}]}]}).encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--until", default="2026-11-22")
    parser.add_argument("--days", type=int, default=90)
    options = parser.parse_args()
    rng = random.Random(42)
    last = datetime.datetime.fromisoformat(options.until).replace(tzinfo=datetime.timezone.utc)
    options.out.mkdir(parents=True, exist_ok=True)
    count = 0

    def write(name, content):
        nonlocal count
        (options.out / name).write_bytes(content)
        count += 1
    for age in range(options.days - 1, -1, -1):
        day = last - datetime.timedelta(days=age)
        for reporter, share in REPORTERS.items():
            if reporter == "silent.example" and age < 12:
                continue
            content = aggregate(rng, reporter, share, day, age)
            if content:
                begin = int(day.timestamp())
                write(f"{reporter}!{DOMAIN}!{begin}!{begin + 86399}.xml.gz", content)
        if age % 7 == 0:
            write(f"bigmail.example!tls!{day:%Y%m%d}.json", tls(day))
    write("failure-1.eml", failure(1, last - datetime.timedelta(days=19), "203.0.113.201", encoded("\u56de\u590d:\u8c22\u8c22\uff01", "GB2312")))
    write("failure-2.eml", failure(2, last - datetime.timedelta(days=19), "203.0.113.202", encoded("\u8acb\u6c42\u66f8\u306e\u3054\u6848\u5185", "Shift_JIS")))
    write("failure-3.eml", failure(3, last - datetime.timedelta(days=18), "203.0.113.215", "\u00dcberf\u00e4llige Rechnung".encode()))
    write("truncated.xml.gz", aggregate(rng, "isp.example", 1, last, 0)[:300])
    write("vacation.eml", b"From: someone@example.com\r\nTo: rua@reports.example\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n"
                          b"Message-ID: <away@example.com>\r\nDate: Mon, 16 Nov 2026 09:00:00 +0000\r\n\r\nI am away.\r\n")
    print(f"{count} files in {options.out}")


main()
