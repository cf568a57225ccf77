#!/usr/bin/env python3
"""What the one who watches the service sees: its log, how to change its level, whether it is ready.

usage: watching_test.py DMARCBOX
"""
import json
import os
import re
import signal
import smtplib
import sqlite3
import sys
import urllib.error
import urllib.request

from service import Service, check, report, run_cases, wait_for

METRICS = '[metrics]\nlisten = "127.0.0.1:0"\n'
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ")


def send(service, mail, to="rua@reports.example"):
    with smtplib.SMTP("127.0.0.1", service.port(), timeout=60) as client:
        client.sendmail("noreply@reporter.example", [to], mail)


def events(service, name):
    """The lines of that event, as key -> value."""
    lines = [line for line in service.log().splitlines() if f" event={name}" in line]
    return [{key: value.strip('"') for key, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)} for line in lines]


def event(service, name):
    found = wait_for(lambda: events(service, name), 20)
    check(found, f"no event={name} in:\n{service.log()}")
    return found[-1]


def get(service, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port('http')}{path}", timeout=5) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def the_start_is_told_in_order(program):
    with Service(program) as service:
        event(service, "ready")
        names = re.findall(r" event=([a-z-]+)", service.log())
        check(names == ["start", "database", "accept", "tls", "listening", "ready"], str(names))
        start = event(service, "start")
        check(start["config"] == "dmarcbox.toml" and start["sqlite"] == sqlite3.sqlite_version, str(start))
        check(event(service, "accept") | {"addresses": "2", "domains": "1", "first": "rua@reports.example"} ==
              event(service, "accept"), service.log())
        check(event(service, "database")["last_message"] == "0", service.log())
        send(service, report(1))
        service.stop()
        service.start()
        check(events(service, "database")[-1]["last_message"] == "1", service.log())


def who_accepts_nobody_is_told(program):
    with Service(program) as service:
        service.stop()
        (service.folder / "dmarcbox.toml").write_text('[smtp]\nlisten = ["127.0.0.1:0"]\n[storage]\npath = "reports.db"\n')
        service.start()
        last = events(service, "accept")[-1]
        check(last["level"] == "warn" and last["addresses"] == "0" and "smtp.accept" in last["next"], str(last))


def ids_lead_from_session_to_message_to_rows(program):
    with Service(program) as service:
        send(service, report(1, records=3))
        session = event(service, "session")
        message = event(service, "message")
        check(re.fullmatch("[0-9a-f]{12}", session["session"]) and message["session"] == session["session"], service.log())
        check(message["reply"] == "250 2.0.0" and message["records"] == "3" and message["domain"] == "example.org", str(message))
        row = service.rows("SELECT m.id, lower(hex(m.sha256)), count(*) FROM messages m JOIN aggregate_reports r "
                           "ON r.message_id = m.id JOIN aggregate_records a ON a.aggregate_report_id = r.id")[0]
        check(str(row[0]) == message["message"] and row[1][:12] == message["sha256"] and row[2] == 3, f"{row} {message}")
        check(session["messages"] == "1" and "data:1" in session["commands"] and session["end"] == "quit", str(session))


def an_unreadable_mail_names_its_fault_and_the_next_command(program):
    with Service(program) as service:
        send(service, b"Subject: Report Domain: example.org\r\nContent-Type: application/gzip; name=\"r.xml.gz\"\r\n"
                      b"Content-Transfer-Encoding: base64\r\n\r\nH4sIAAAAAAAAAw==\r\n")
        line = event(service, "unreadable")
        check(line["level"] == "warn" and line["stage"] and line["code"] and line["next"] == f"dmarcbox show {line['message']}",
              str(line))


def repeats_are_written_once_a_minute(program):
    with Service(program, "max_refused_recipients = 100") as service:
        with smtplib.SMTP("127.0.0.1", service.port()) as client:
            client.ehlo("client.example")
            client.mail("noreply@reporter.example")
            for i in range(30):
                client.rcpt(f"guess{i}@reports.example")
        event(service, "session")
        rejected = events(service, "rejected")
        check(len(rejected) == 1 and rejected[0]["reply"].startswith("550 5.1.1"), service.log())


def text_of_a_client_cannot_forge_a_line(program):
    with Service(program) as service:
        with smtplib.SMTP("127.0.0.1", service.port()) as client:
            client.ehlo("client.example")
            client.mail("noreply@reporter.example")
            client.docmd("RCPT TO:<\"x level=error event=forged\x1b[2J\"@reports.example>")
        event(service, "session")
        lines = service.log().splitlines()
        check("\x1b" not in service.log(), "an escape reaches the log")
        check(not any(line.split(" ")[2].startswith("event=forged") for line in lines), service.log())


def the_level_follows_reload_and_signal(program):
    with Service(program) as service:
        def reload(level):
            service.configure(rest=f'[log]\nlevel = "{level}"\n')
            service.process.send_signal(signal.SIGHUP)

        def toggle(level):
            before = len(events(service, "log-level"))
            service.process.send_signal(signal.SIGUSR1)
            check(wait_for(lambda: len(events(service, "log-level")) > before), "SIGUSR1 does nothing")
            check(events(service, "log-level")[-1] == {"level": "warn", "event": "log-level", "now": level}, service.log())

        event(service, "ready")
        toggle("debug")
        send(service, report(1))
        check(wait_for(lambda: events(service, "dialogue")), "no dialogue at level debug")
        toggle("info")
        reload("warn")
        # At level warn a reload says nothing: what tells is that a session is not written any more.
        check(wait_for(lambda: quiet(service), 10, 0.2), service.log())
        reload("debug")
        event(service, "reloaded")


def a_reload_names_the_keys_that_it_does_not_take(program):
    with Service(program) as service:
        event(service, "ready")
        service.process.send_signal(signal.SIGHUP)
        event(service, "reloaded")
        check(not events(service, "reload-ignored"), "nothing changed:\n" + service.log())
        service.configure(smtp="max_recipients = 7", rest='[failure_reports]\nkeep = "full"\n')
        service.process.send_signal(signal.SIGHUP)
        ignored = event(service, "reload-ignored")
        check(ignored["level"] == "warn" and ignored["keys"] == "smtp.max_recipients,failure_reports.keep" and
              ignored["next"].startswith("restart the service"), str(ignored))


def quiet(service):
    before = len(events(service, "session"))
    send(service, report(os.urandom(4).hex()))
    return wait_for(lambda: len(events(service, "session")) > before, 0.5) is None


def json_lines_are_objects(program):
    with Service(program, rest='[log]\nformat = "json"\n') as service:
        send(service, report(1))
        lines = wait_for(lambda: (found := service.log().splitlines()) and '"event":"session"' in found[-1] and found)
        check(lines, service.log())
        objects = [json.loads(line) for line in lines]
        for line in lines:
            keys = re.findall(r'[{,]"(\w+)":', line)
            check(len(keys) == len(set(keys)), f"a key stands twice: {line}")
        check(all(TIME.match(one["time"] + " ") and one["level"] in ("info", "warn") for one in objects), service.log())
        message = next(one for one in objects if one["event"] == "message")
        check(message["message"] == 1 and message["reply"] == "250 2.0.0", str(message))


def the_journal_gets_priorities_instead_of_a_second_time(program):
    with Service(program) as service:
        check(all(TIME.match(line) for line in service.log().splitlines()), "no time in a file:\n" + service.log())
        service.stop()
        log = os.stat(service.folder / "log")
        service.start(env=os.environ | {"JOURNAL_STREAM": f"{log.st_dev}:{log.st_ino}"})
        lines = service.log()[service.since:].splitlines()
        check(lines and all(re.match(r"<[3467]>level=", line) for line in lines), "\n".join(lines))
        service.stop()
        service.start(env=os.environ | {"JOURNAL_STREAM": f"{log.st_dev}:{log.st_ino + 1}"})
        check(TIME.match(service.log()[service.since:]), "takes a file for the journal")


def ready_says_why_not_and_finds_out_when_it_is_again(program):
    with Service(program, rest=METRICS) as service:
        check(get(service, "/readyz") == (200, "ready\n") and get(service, "/healthz") == (200, "ok\n"), "not ready at start")
        lock = sqlite3.connect(service.folder / "reports.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        try:
            send(service, report(1))
            check(False, "a message is taken while the database is locked")
        except smtplib.SMTPDataError as error:
            check(error.smtp_code == 451, str(error))
        status, reason = get(service, "/readyz")
        check(status == 503 and reason.startswith("the store: ") and "locked" in reason, f"{status} {reason}")
        check(get(service, "/healthz")[0] == 200, "restarting would not mend a lock")
        lock.execute("ROLLBACK")
        # No mail comes to a service that is not ready: it has to try by itself.
        check(wait_for(lambda: get(service, "/readyz")[0] == 200, 25, 0.2), f"never ready again: {get(service, '/readyz')}")
        check('dmarcbox_write_errors_total{code="busy"} 1' in get(service, "/metrics")[1], "the error is not counted")
        send(service, report(1))
        check(service.one("SELECT count(*) FROM messages") == 1, "not stored after the lock")


def a_full_disk_is_no_readiness(program):
    with Service(program, rest=METRICS) as service:
        service.stop()
        config = (service.folder / "dmarcbox.toml").read_text()
        (service.folder / "dmarcbox.toml").write_text(config.replace("[storage]", f"[storage]\nmin_free_bytes = {2**40}"))
        service.start()
        status, reason = get(service, "/readyz")
        check(status == 503 and "min_free_bytes" in reason, f"{status} {reason}")


if __name__ == "__main__":
    sys.exit(run_cases([the_start_is_told_in_order, who_accepts_nobody_is_told, ids_lead_from_session_to_message_to_rows,
                        an_unreadable_mail_names_its_fault_and_the_next_command, repeats_are_written_once_a_minute,
                        text_of_a_client_cannot_forge_a_line, the_level_follows_reload_and_signal,
                        a_reload_names_the_keys_that_it_does_not_take, json_lines_are_objects,
                        the_journal_gets_priorities_instead_of_a_second_time,
                        ready_says_why_not_and_finds_out_when_it_is_again, a_full_disk_is_no_readiness]))
