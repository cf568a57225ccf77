#!/usr/bin/env python3
"""What the service exports is valid for Prometheus, and alerts and dashboard use only what it exports.

usage: metrics_test.py DMARCBOX      without promtool the names are compared all the same
"""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
# Words of PromQL that look like metric names.
NAME = re.compile(r"\b((?:dmarcbox|process)_[a-z0-9_]+)\b")


def exported(program):
    """The text of /metrics and the status of /healthz and /readyz of a service that has received one report."""
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log")
        with log.open("w") as err:
            service = subprocess.Popen([program, "serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--db",
                                        f"{folder}/m.db", "--accept", "rua@reports.example"], stderr=err, cwd=folder)
        try:
            ports = []
            deadline = time.monotonic() + 30
            while len(ports) < 2 and time.monotonic() < deadline and service.poll() is None:
                time.sleep(0.1)
                ports = re.findall(r"listening on 127\.0\.0\.1:(\d+)|metrics\S* \S*on\S*?127\.0\.0\.1:(\d+)", log.read_text())
            ports = [one or other for one, other in ports]
            if len(ports) < 2:
                sys.exit(f"metrics_test.py: no two listeners in the log:\n{log.read_text()}")
            texts = {}
            for port in ports:
                try:
                    for path in ("metrics", "healthz", "readyz"):
                        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as reply:
                            texts[path] = (reply.status, reply.headers["Content-Type"], reply.read().decode())
                    metrics_port = port
                except Exception:  # the SMTP port speaks no HTTP
                    continue
            if "metrics" not in texts:
                sys.exit(f"metrics_test.py: no /metrics on {ports}")
            smtp_port = next(port for port in ports if port != metrics_port)
            subprocess.run(["curl", "--silent", "--show-error", "--url", f"smtp://127.0.0.1:{smtp_port}", "--mail-from",
                            "noreply@reporter.example", "--mail-rcpt", "rua@reports.example", "--upload-file",
                            str(DEPLOY / "sample.eml")], check=True)
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=5) as reply:
                return reply.headers["Content-Type"], reply.read().decode(), texts
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(40)


def main():
    content_type, text, texts = exported(sys.argv[1])
    faults = []
    if not content_type.startswith("text/plain; version=0.0.4"):
        faults.append(f"content type {content_type}")
    for path in ("healthz", "readyz"):
        if texts[path][0] != 200:
            faults.append(f"/{path} answers {texts[path][0]}")
    if shutil.which("promtool"):
        lint = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        if lint.returncode:
            faults.append(f"promtool check metrics: {lint.stdout}{lint.stderr}")
    else:
        print("promtool is not installed: the text itself is not checked")
    # A family with nothing to count yet has its TYPE line alone.
    known = set(re.findall(r"^(?:# TYPE )?([a-z_][a-z0-9_]*)(?:\{| )", text, re.M))
    if not re.search(r'^dmarcbox_messages_total\{[^}]*outcome="report"[^}]*\} 1$', text, re.M):
        faults.append("the report that was sent is not in dmarcbox_messages_total")
    for metric in ("dmarcbox_build_info", "dmarcbox_smtp_connections_total", "dmarcbox_messages_total"):
        if metric not in known:
            faults.append(f"{metric} is not exported")
    used = {"alerts.yml": set(NAME.findall((DEPLOY / "prometheus/alerts.yml").read_text()))}
    dashboard = json.loads((DEPLOY / "grafana/dmarcbox.json").read_text())
    used["dmarcbox.json"] = {name for panel in dashboard["panels"] for target in panel.get("targets", [])
                             for name in NAME.findall(target["expr"])}
    for file, names in used.items():
        if len(names) < 8:
            faults.append(f"{file} uses {len(names)} metrics only: not read rightly")
        faults += [f"{file} uses {name}, which is not exported" for name in sorted(names - known)]
    if faults:
        sys.exit("\n".join(faults))
    print(f"metrics: {len(known)} names exported, {len(used['alerts.yml'] | used['dmarcbox.json'])} used")


if __name__ == "__main__":
    main()
