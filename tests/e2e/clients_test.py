#!/usr/bin/env python3
"""Real mail clients: swaks, curl, Python's smtplib.

usage: clients_test.py DMARCBOX      exit 77: a client is not installed (skipped)
"""
import smtplib
import ssl
import subprocess
import sys

from service import Service, check, need, report, run_cases, wait_for

TLS = '[smtp.tls]\ncertificate = "certificate.pem"\nkey = "certificate.key"\nlisten = ["127.0.0.1:0"]\n'


def swaks(service, number, *arguments, port=None, recipient="rua@reports.example"):
    mail = service.folder / f"{number}.eml"
    mail.write_bytes(report(number))
    return subprocess.run(["swaks", "--server", f"127.0.0.1:{port or service.port()}", "--from", "noreply@reporter.example", "--to",
                           recipient, "--data", f"@{mail}", *arguments], capture_output=True, text=True, timeout=60)


def swaks_in_the_clear(program):
    with Service(program) as service:
        sent = swaks(service, 1)
        check(sent.returncode == 0, sent.stdout)
        check(service.rows("SELECT outcome, tls, envelope_from FROM messages") ==
              [("report", None, "noreply@reporter.example")], service.log())


def swaks_with_starttls(program):
    with Service(program, rest=TLS) as service:
        sent = swaks(service, 1, "--tls")
        check(sent.returncode == 0, sent.stdout)
        tls = service.one("SELECT tls FROM messages")
        check(tls.startswith(("TLSv1.3 ", "TLSv1.2 ")), tls)


def swaks_with_implicit_tls(program):
    with Service(program, rest=TLS) as service:
        sent = swaks(service, 1, "--tlsc", port=service.port("smtps"))
        check(sent.returncode == 0, sent.stdout)
        check(service.one("SELECT tls FROM messages").startswith("TLSv1."), "tls")


def swaks_pipelined(program):
    with Service(program) as service:
        sent = swaks(service, 1, "--pipeline")
        check(sent.returncode == 0, sent.stdout)
        check(service.one("SELECT count(*) FROM aggregate_reports") == 1, "stored")


def swaks_behind_a_trusted_proxy(program):
    trusted = '[proxy_protocol]\ntrusted = ["127.0.0.1/32"]\n'
    for version in "1", "2":
        with Service(program, rest=trusted) as service:
            sent = swaks(service, 1, "--proxy-version", version, "--proxy-family", "TCP4" if version == "1" else "AF_INET",
                         "--proxy-source", "192.0.2.77", "--proxy-source-port", "40000", "--proxy-dest", "192.0.2.1",
                         "--proxy-dest-port", "25", *(["--proxy-protocol", "STREAM", "--proxy-command", "PROXY"]
                                                      if version == "2" else []))
            check(sent.returncode == 0, sent.stdout)
            check(service.one("SELECT peer_ip FROM messages") == "192.0.2.77", f"version {version}")


def swaks_to_an_address_that_is_not_ours(program):
    with Service(program) as service:
        check("550 5.1.1" in swaks(service, 1, recipient="nobody@reports.example").stdout, "unknown")
        check("550 5.7.1" in swaks(service, 2, recipient="user@elsewhere.example").stdout, "relay")
        check(service.one("SELECT count(*) FROM messages") == 0, "stored")


def curl_sends_and_is_told_of_a_message_too_large(program):
    with Service(program, "max_message_bytes = 3000\n") as service:
        def curl(number, records):
            mail = service.folder / f"{number}.eml"
            mail.write_bytes(report(number, records))
            return subprocess.run(["curl", "--silent", "--show-error", "--url", f"smtp://127.0.0.1:{service.port()}", "--mail-from",
                                   "noreply@reporter.example", "--mail-rcpt", "rua@reports.example", "--upload-file", mail],
                                  capture_output=True, text=True, timeout=60)
        check(curl(1, 2).returncode == 0, "small")
        large = curl(2, 3000)
        check(large.returncode != 0 and service.one("SELECT count(*) FROM messages") == 1, large.stderr)
        check(wait_for(lambda: '552' in service.log()), service.log())


def smtplib_many_in_one_session_and_utf8(program):
    with Service(program, 'limits_exempt = []\n', TLS) as service:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP("127.0.0.1", service.port()) as client:
            client.starttls(context=context)
            client.ehlo()
            check(client.has_extn("smtputf8") and client.has_extn("8bitmime") and client.has_extn("size"), str(client.esmtp_features))
            for number in range(20):
                client.sendmail("noreply@reporter.example", ["rua+a@reports.example", "ruf@reports.example"], report(number))
            client.sendmail("b\u00fccher@m\u00fcnchen.example", ["rua@reports.example"], report(99), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
            check(client.docmd("VRFY", "root")[0] == 252, "VRFY")
        check(service.one("SELECT count(*) FROM aggregate_reports") == 21, "stored")
        check(service.one("SELECT envelope_to FROM messages LIMIT 1") == "rua+a@reports.example ruf@reports.example", "envelope_to")


if __name__ == "__main__":
    need("swaks", "curl", "openssl")
    sys.exit(run_cases([swaks_in_the_clear, swaks_with_starttls, swaks_with_implicit_tls, swaks_pipelined, swaks_behind_a_trusted_proxy,
                        swaks_to_an_address_that_is_not_ours, curl_sends_and_is_told_of_a_message_too_large,
                        smtplib_many_in_one_session_and_utf8]))
