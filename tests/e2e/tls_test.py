#!/usr/bin/env python3
"""Certificates: what is refused, reload without dropping a session, the floor of versions, injected plaintext.

usage: tls_test.py DMARCBOX
"""
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
import warnings

from service import Service, check, need, report, run_cases, wait_for

warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 and 1.1 are offered to be refused
TLS = '[smtp.tls]\ncertificate = "certificate.pem"\nkey = "certificate.key"\n'


def context(maximum=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    if maximum:
        made.minimum_version, made.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, maximum
        made.set_ciphers("DEFAULT@SECLEVEL=0")
    return made


def common_name(port):
    """Of the certificate that a new session is shown."""
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.starttls(context=context())
        pem = ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(binary_form=True))
    text = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True, text=True, check=True).stdout
    return text.rsplit("=", 1)[1].strip()


def a_new_certificate_is_taken_and_open_sessions_go_on(program):
    with Service(program, rest=TLS) as service:
        port = service.port()
        with smtplib.SMTP("127.0.0.1", port) as old:
            old.starttls(context=context())
            for name, how in ("by-signal.example", "signal"), ("by-change.example", "change"):
                service.certificate("new", common_name=name)
                shutil.move(service.folder / "new.key", service.folder / "certificate.key")
                shutil.move(service.folder / "new.pem", service.folder / "certificate.pem")
                if how == "signal":
                    service.process.send_signal(signal.SIGHUP)
                check(wait_for(lambda: common_name(port) == name, 90, 0.5), f"{how}: still {common_name(port)}\n{service.log()}")
            old.sendmail("noreply@reporter.example", ["rua@reports.example"], report(1))
        check(service.one("SELECT count(*) FROM aggregate_reports") == 1, "the old session was dropped")


def a_bad_new_certificate_keeps_the_old_one(program):
    with Service(program, rest=TLS) as service:
        (service.folder / "certificate.pem").write_text("nonsense")
        service.process.send_signal(signal.SIGHUP)
        check(wait_for(lambda: "certificate.pem" in service.log() and "level=error" in service.log(), 10), service.log())
        check(common_name(service.port()) == "mx.reports.example", "old one")


def recipients_are_reloaded_with_it(program):
    with Service(program, rest=TLS) as service:
        def code(address):
            with smtplib.SMTP("127.0.0.1", service.port()) as client:
                client.ehlo()
                client.mail("noreply@reporter.example")
                return client.rcpt(address)[0]
        check(code("new@added.example") == 550, "before")
        text = (service.folder / "dmarcbox.toml").read_text()
        (service.folder / "dmarcbox.toml").write_text(text.replace('accept = [', 'accept = ["@added.example", '))
        service.process.send_signal(signal.SIGHUP)
        check(wait_for(lambda: code("new@added.example") == 250, 10, 0.2), service.log())
        (service.folder / "dmarcbox.toml").write_text(text.replace("accept", "acept"))
        service.process.send_signal(signal.SIGHUP)
        check(wait_for(lambda: "acept" in service.log(), 10), "a bad configuration is not told")
        check(code("new@added.example") == 250, "a bad configuration took the good one away")


def a_certificate_that_cannot_be_stops_the_start(program):
    def start_fails(change):
        service = Service(program, rest=TLS)
        try:
            change(service)
            ended = subprocess.run([service.program, "serve", "--config", "dmarcbox.toml"], cwd=service.folder, capture_output=True, text=True, timeout=30)
            lines = [line for line in ended.stderr.splitlines() if line]
            return ended.returncode, lines
        finally:
            service.__exit__()

    def other_key(service):
        service.certificate("other")
        shutil.copy(service.folder / "other.key", service.folder / "certificate.key")
    for change in (lambda s: (s.folder / "certificate.pem").unlink(), lambda s: (s.folder / "certificate.key").write_text("x"), other_key):
        code, lines = start_fails(change)
        check(code in (1, 2) and any("certificate" in line for line in lines), f"{code} {lines}")


def an_expired_certificate_is_served_with_a_warning(program):
    service = Service(program, rest=TLS)
    (service.folder / "ca.cnf").write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\n"
                                           "policy=p\n[p]\ncommonName=supplied\n")
    (service.folder / "index").touch()
    (service.folder / "serial").write_text("01")
    for command in ("req -new -key certificate.key -subj /CN=old.example -out request.pem",
                    "ca -batch -notext -selfsign -config ca.cnf -keyfile certificate.key -in request.pem -out certificate.pem "
                    "-startdate 20200101000000Z -enddate 20210101000000Z"):
        subprocess.run(["openssl", *command.split()], cwd=service.folder, check=True, capture_output=True)
    with service:
        check(common_name(service.port()) == "old.example", "served")
        check("expired" in service.log() and "level=warn" in service.log(), service.log())


def tls_below_1_2_is_refused(program):
    with Service(program, rest=TLS) as service:
        for version in ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1:
            try:
                with smtplib.SMTP("127.0.0.1", service.port()) as client:
                    client.starttls(context=context(version))
                raise AssertionError(f"{version} was taken")
            except (ssl.SSLError, OSError, smtplib.SMTPException):
                pass
        with smtplib.SMTP("127.0.0.1", service.port()) as client:
            client.starttls(context=context(ssl.TLSVersion.TLSv1_2))
            client.sendmail("noreply@reporter.example", ["rua@reports.example"], report(1))
        check(service.one("SELECT tls FROM messages").startswith("TLSv1.2 "), "1.2")


def plaintext_behind_starttls_closes(program):
    with Service(program, rest=TLS) as service:
        with socket.create_connection(("127.0.0.1", service.port()), 10) as plain:
            plain.recv(500)
            plain.sendall(b"EHLO x.example\r\n")
            time.sleep(0.3)
            plain.recv(1000)
            plain.sendall(b"STARTTLS\r\nMAIL FROM:<injected@evil.example>\r\n")
            rest = b""
            while True:
                try:
                    got = plain.recv(1000)
                except ConnectionResetError:
                    break
                if not got:
                    break
                rest += got
        check(b"250" not in rest, rest.decode())


def a_client_that_never_shakes_hands_does_not_stay(program):
    with Service(program, rest=TLS + 'listen = ["127.0.0.1:0"]\n') as service:
        with socket.create_connection(("127.0.0.1", service.port("smtps")), 60) as silent:
            silent.settimeout(60)
            check(silent.recv(100) == b"", "said something in the clear")


if __name__ == "__main__":
    need("openssl")
    sys.exit(run_cases([a_new_certificate_is_taken_and_open_sessions_go_on, a_bad_new_certificate_keeps_the_old_one, recipients_are_reloaded_with_it,
                        a_certificate_that_cannot_be_stops_the_start, an_expired_certificate_is_served_with_a_warning,
                        tls_below_1_2_is_refused, plaintext_behind_starttls_closes, a_client_that_never_shakes_hands_does_not_stay]))
