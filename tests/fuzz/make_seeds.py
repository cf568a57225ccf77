#!/usr/bin/env python3
"""Writes the seeds in corpus/, the same bytes on every run. Edit this script, never a seed."""
import base64
import gzip
import io
import pathlib
import zipfile

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


def write(target, **seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def crlf(text):
    return text.replace("\n", "\r\n")


# session: first byte options (1 STARTTLS, 2 bare newlines refused, 4 LMTP), second the chunk length.
def session(options, text):
    return bytes([options, 7]) + crlf(text).encode()


MAIL = "MAIL FROM:<noreply@reporter.example> SIZE=20 BODY=8BITMIME\nRCPT TO:<rua@reports.example>\nDATA\n"
write("session",
      one_mail=session(0, "EHLO mail.reporter.example\n" + MAIL + "Subject: x\n\n..dot\n.\nQUIT\n"),
      starttls=session(1, "EHLO a.example\nSTARTTLS\nEHLO a.example\nQUIT\n"),
      lmtp=session(4, "LHLO a.example\n" + MAIL + "x\n.\nMAIL FROM:<>\nRSET\nQUIT\n"),
      helo_null_sender=session(0, "HELO a.example\nMAIL FROM:<>\nRCPT TO:<any@example.org>\nDATA\nx\n.\n"),
      bare_newlines=bytes([2, 3]) + crlf("EHLO a.example\n" + MAIL).encode() + b"a\nb\n.\nc\r.\r\r\n.\r\n",
      too_big=session(0, "EHLO a.example\n" + MAIL + "x" * 300 + "\n.\nMAIL FROM:<a@reporter.example> SIZE=999\n"),
      refused=session(0, "EHLO a.example\nMAIL FROM:<a@reporter.example>\nRCPT TO:<b@reports.example>\n"
                         "RCPT TO:<c@other.example>\nVRFY x\nEXPN x\nHELP\nNOOP\nBDAT 3 LAST\n"),
      not_smtp=bytes([0, 1]) + b"GET / HTTP/1.1\r\nHost: reports.example\r\n\r\n",
      utf8=session(0, "EHLO a.example\nMAIL FROM:<\u00fc@reporter.example> SMTPUTF8\nRCPT TO:<\"rua\"@reports.example>\nQUIT\n"))
V2 = b"\r\n\r\n\x00\r\nQUIT\n"
write("proxy_header",
      v1_tcp4="PROXY TCP4 192.0.2.1 198.51.100.1 4711 25\r\nEHLO",
      v1_tcp6="PROXY TCP6 2001:db8::1 2001:db8::2 4711 25\r\n",
      v1_unknown="PROXY UNKNOWN\r\n",
      v2_tcp4=V2 + b"\x21\x11\x00\x0c" + bytes([192, 0, 2, 1, 198, 51, 100, 1, 0x12, 0x67, 0, 25]),
      v2_tcp6_tlv=V2 + b"\x21\x21\x00\x29" + bytes(15) + b"\1" + bytes(15) + b"\2" + b"\x12\x67\0\x19" + b"\4\0\2ab",
      v2_local=V2 + b"\x20\x00\x00\x00")
write("address",
      plain="<noreply@reporter.example>", null="<>", detail="<rua+x@reports.example>",
      quoted="<\"a b\\\"c\"@example.org>", literal="<x@[IPv6:2001:db8::1]>", postmaster="<Postmaster>",
      route="<@a.example,@b.example:rua@reports.example>", utf8="<\u00fc\u00df@b\u00fccher.example>",
      bare="rua@reports.example")
write("date_time",
      mail="Mon, 23 Nov 2026 04:11:09 +0000", comment="Mon, 23 Nov 2026 04:11:09 -0700 (MST)",
      old_year="23 Nov 26 04:11 GMT", rfc3339="2026-11-23T04:11:09.5+01:00", ip4="192.0.2.25", ip6="2001:db8::25",
      mapped="::ffff:192.0.2.25", port="[2001:db8::25%eth0]:25", cidr="192.0.2.0/24", cidr6="2001:db8::/32")

FAILURE = """Feedback-Type: auth-failure
User-Agent: Reporter/1.0
Version: 1
Original-Mail-From: <spoof@example.org>
Original-Rcpt-To: <someone@reporter.example>
Arrival-Date: Mon, 23 Nov 2026 04:11:09 +0000
Source-IP: 203.0.113.201
Reported-Domain: example.org
Auth-Failure: dmarc
Delivery-Result: reject
Identity-Alignment: none
DKIM-Domain: example.org
DKIM-Selector: s1
Authentication-Results: mx.reporter.example; dmarc=fail header.from=example.org
Incidents: 2

From: "A" <a@example.org>
To: someone@reporter.example
Subject: =?GB2312?B?u9i4tDrQu9C7o6E=?=
Date: Mon, 23 Nov 2026 04:11:00 +0000
Message-ID: <1@example.org>
"""
PLAIN_FAILURE = """This is an email abuse report for an email message received from IP 203.0.113.201 on Mon, 23 Nov 2026 04:11:09 +0000.
The message below did not meet the sending domain's DMARC policy.

Sender Domain: example.org
Sender IP Address: 203.0.113.201
Received Date: Mon, 23 Nov 2026 04:11:09 +0000
SPF Alignment: no
DKIM Alignment: no
DMARC Results: Reject

------ This is a copy of the headers that were received before the error was detected.

From: a@example.org
Subject: x
"""
write("failure", by_the_book=FAILURE, plain_text=PLAIN_FAILURE,
      abuse="Feedback-Type: abuse\nVersion: 0.1\n\nFrom: a@example.org\n", empty_values="Feedback-Type:\nSource-IP:\n")
TLS = """{"organization-name":"Reporter Inc","date-range":{"start-datetime":"2026-11-22T00:00:00Z",
"end-datetime":"2026-11-22T23:59:59Z"},"contact-info":"smtp@reporter.example","report-id":"2026-11-22-1",
"policies":[{"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: testing","mx: mx.example.org",
"max_age: 86400"],"policy-domain":"example.org","mx-host":["mx.example.org"]},
"summary":{"total-successful-session-count":41,"total-failure-session-count":2},
"failure-details":[{"result-type":"certificate-expired","sending-mta-ip":"192.0.2.200",
"receiving-mx-hostname":"mx.example.org","receiving-mx-helo":"mx.example.org","receiving-ip":"2001:db8::25",
"failed-session-count":2,"additional-information":"https://reporter.example/\\u00fc","failure-reason-code":"X509"}]}]}"""
write("tls", by_the_book=TLS, no_policy=TLS[:TLS.index('"policies"')] + '"policies":[]}',
      odd_types='{"organization-name":7,"report-id":null,"date-range":[],"policies":{"policy":"x"}}',
      deep="[" * 40 + "]" * 40)
AGGREGATE = """<?xml version="1.0" encoding="UTF-8"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><version>1.0</version>
<report_metadata><org_name>Reporter &amp; Sons</org_name><email>noreply@reporter.example</email>
<extra_contact_info>https://reporter.example</extra_contact_info><report_id>8213</report_id>
<date_range><begin>1795305600</begin><end>1795391999</end></date_range><error>odd</error></report_metadata>
<policy_published><domain>example.org</domain><adkim>r</adkim><aspf>s</aspf><p>none</p><sp>reject</sp><np>reject</np>
<pct>100</pct><fo>1</fo><testing>n</testing><discovery_method>psl</discovery_method></policy_published>
<record><row><source_ip>192.0.2.25</source_ip><count>40</count><policy_evaluated><disposition>none</disposition>
<dkim>pass</dkim><spf>fail</spf><reason><type>forwarded</type><comment>arc=pass</comment></reason></policy_evaluated></row>
<identifiers><envelope_to>reporter.example</envelope_to><envelope_from/><header_from>example.org</header_from></identifiers>
<auth_results><dkim><domain>example.org</domain><selector>s1</selector><result>pass</result>
<human_result>ok</human_result></dkim><spf><domain>example.org</domain><scope>mfrom</scope><result>softfail</result></spf>
</auth_results></record></feedback>
"""
write("aggregate", by_the_book=AGGREGATE, prefixed=AGGREGATE.replace("<feedback", "<d:feedback").replace("/feedback", "/d:feedback"),
      utf16=AGGREGATE.replace("UTF-8", "UTF-16").encode("utf-16"), raw_ampersand=AGGREGATE.replace("&amp;", "&"),
      doctype=AGGREGATE.replace("\n<feedback", "\n<!DOCTYPE feedback [<!ENTITY e \"x\">]>\n<feedback", 1),
      latin1=AGGREGATE.replace("UTF-8", "ISO-8859-1").replace("Sons", "S\u00f6hne").encode("latin-1"),
      odd_values=AGGREGATE.replace("<count>40", "<count>-4e9").replace("1795391999", "tomorrow").replace("192.0.2.25", "x"))


def packed():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("reporter.example!example.org!1!2.xml", "folder/"):
            info = zipfile.ZipInfo(name, (2026, 11, 23, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, AGGREGATE if name.endswith("xml") else "")
    return buffer.getvalue()


GZIP = gzip.compress(AGGREGATE.encode(), mtime=0)
write("decompress", gzip=GZIP, zip=packed(), two_members=GZIP + GZIP, trailing=GZIP + b"\r\n", gzip_in_gzip=gzip.compress(GZIP, mtime=0),
      bomb=gzip.compress(bytes(1 << 20), mtime=0))
HEAD = "From: Reporter <noreply@reporter.example>\nTo: rua@reports.example\nSubject: =?UTF-8?Q?Report_=C3=BC?=\nMIME-Version: 1.0\n"
write("unpack",
      gzip_body=crlf(HEAD + "Content-Type: application/gzip; name*0=\"a;b\"; name*1*=utf-8''%20c.gz\n"
                     "Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(GZIP).decode()),
      multipart=crlf(HEAD + "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\ntext\n--b\n"
                     "Content-Type: message/feedback-report\n\n" + FAILURE.split("\n\n")[0] + "\n--b\n"
                     "Content-Type: message/rfc822\n\nSubject: x\n\nbody\n--b--\n"),
      nested=crlf(HEAD + "Content-Type: multipart/mixed; boundary=1\n\n--1\nContent-Type: multipart/mixed; boundary=2\n\n--2\n"
                  "Content-Transfer-Encoding: quoted-printable\n\na=3D=\nb\n--2--\n--1--\n"),
      uuencode=crlf(HEAD + "\nbegin 644 r.xml\n#:&D*\n`\nend\n"), no_header=crlf("\nbody only\n"), empty=b"")
# charset: a label, a newline, the bytes.
write("charset",
      gb2312=b"GB2312\n" + "\u56de\u590d:\u8c22\u8c22\uff01".encode("gbk"), latin1=b"iso-8859-1\nS\xf6hne \x80",
      utf8=b"utf-8\nS\xc3\xb6hne \xc3", utf16=b"utf-16\n" + AGGREGATE[:200].encode("utf-16"),
      shift_jis=b"shift_jis\n" + "\u6771\u4eac".encode("shift_jis"), unknown=b"x-unknown\nabc\xff", odd_label=b"../../etc\nabc",
      document=b"x\n" + AGGREGATE[:120].replace("UTF-8", "windows-1252").encode() + b"\x96")
write("header",
      fields=crlf(HEAD + "Date: Mon, 23 Nov 2026 04:11:09 +0000\nX-Folded: a\n b\n\tc\n\n"),
      words="Subject: =?UTF-8?B?w7w=?= =?utf-8?q?=C3?= =?utf-8?q?=BC_x?= =?bad?x?y?=\nFrom: \"=?GB2312?B?u9i4tA==?=\" <a@example.org>\n",
      parameters="application/zip; name=\"a;b\\\"c.zip\"; filename*0*=utf-8'en'%C3%BC; filename*1=\"x\"; charset=us-ascii",
      garbage="not a field\n: empty name\nContentType: text/plain\nSubject:\nX: " + "y" * 300, from_line="From a@example.org Mon Nov 23\nSubject: x\n")
write("mbox",
      two="From a@b.example Tue Nov 14 22:13:20 2023\nSubject: 1\n\nx\n\nFrom - Tue Nov 14 22:13:21 2023\nSubject: 2\n\n",
      crlf=crlf("From a@b.example Tue Nov 14 22:13:20 2023\nSubject: 1\n\nFrom here on\n\nFrom c 1:00\n\n"),
      none="Subject: 1\n\nFrom a@b.example Tue Nov 14 22:13:20 2023\n",
      empty="From a 1:00\nFrom b 1:00\n\n\nFrom c 1:00\n")
write("config",
      small='[smtp]\nlisten = ["127.0.0.1:2525"]\naccept = ["rua@reports.example", "@example.org"]\n',
      sections='[smtp.tls]\ncertificate = "a.pem"\nkey = "a.key"\n[limits]\nmax_findings = 5\n[retention]\nreports_days = 400\n'
               '[failure_reports]\nkeep = "redacted"\nredaction_key = "x"\n[log]\nlevel = "debug"\nformat = "json"\n',
      unknown="[smtp]\nacept = []\n", broken="[smtp\nlisten = [\n", long='[smtp]\naccept = ["rua@a-rather-long-name.reports.example"]\n', word="days = n\nli", types='[smtp]\nmax_recipients = "many"\n')

XML = ("<feedback><report_metadata><org_name>R</org_name><email>a@r.example</email><report_id>1</report_id><date_range>"
       "<begin>1795132800</begin><end>1795392000</end></date_range></report_metadata><policy_published><domain>example.org</domain>"
       "<p>none</p></policy_published><record><row><source_ip>192.0.2.1</source_ip><count>7</count><policy_evaluated>"
       "<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>example.org"
       "</header_from></identifiers><auth_results><dkim><domain>example.org</domain><selector>s</selector><result>pass</result></dkim>"
       "<dkim><domain>esp.example</domain><selector>e</selector><result>pass</result></dkim></auth_results></record></feedback>")
TLS = ('{"organization-name":"R","date-range":{"start-datetime":"2026-11-20T00:00:00Z","end-datetime":"2026-11-20T23:59:59Z"},'
       '"contact-info":"a@r.example","report-id":"1","policies":[{"policy":{"policy-type":"sts","policy-domain":"example.org"},'
       '"summary":{"total-successful-session-count":5,"total-failure-session-count":1}}]}')
write("store",
      aggregate=crlf("From: a@r.example\nSubject: x\nContent-Type: text/xml\n\n") + XML,
      two=crlf("From: a@r.example\nContent-Type: text/xml\n\n") + "<r>" + XML + XML.replace(">1<", ">2<") + "</r>",
      conflict=crlf("From: a@r.example\nContent-Type: text/xml\n\n") + XML + XML.replace(">7<", ">8<"),
      tls=crlf("From: a@r.example\nContent-Type: application/tlsrpt+json\n\n") + TLS,
      failure=crlf("From: a@r.example\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n"
                   "Content-Type: message/feedback-report\n\nFeedback-Type: auth-failure\nUser-Agent: x\nVersion: 1\n"
                   "Auth-Failure: dmarc\nSource-IP: 192.0.2.1\nReported-Domain: example.org\n\n--b\nContent-Type: message/rfc822\n\n"
                   "From: x@example.org\nSubject: hi\n\nbody\n--b--\n"),
      gzip=gzip.compress(XML.encode(), mtime=0), other="Subject: hello\r\n\r\nnothing\r\n")
