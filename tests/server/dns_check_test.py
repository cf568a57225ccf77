#!/usr/bin/env python3
"""`dmarcbox dns --check` against a real name server (nsd) on loopback: what is right, missing and wrong.

usage: dns_check_test.py DMARCBOX      exit 77: nsd is not installed (skipped)
"""
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

ZONE = """$ORIGIN {origin}.
$TTL 60
@ IN SOA ns.{origin}. hostmaster.{origin}. 1 3600 600 86400 60
@ IN NS ns.{origin}.
ns IN A 127.0.0.1
"""

ZONES = {
    "reports.example": """@ IN MX 10 mx
mx IN A 127.0.0.1
good.example._report._dmarc IN TXT "v=DMARC1;"
pct.example._report._dmarc IN TXT "v=DMARC1"
spelling.example._report._dmarc IN TXT "v=DMARC1"
customer.example._report._dmarc IN TXT "v=DMARC1"
""",
    "good.example": """_dmarc IN TXT "v=DMARC1; p=none; " "rua=mailto:rua@reports.example!10m,mailto:x@good.example; ruf=mailto:ruf@reports.example"
_smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:rua@reports.example"
""",
    "pct.example": """_dmarc IN TXT "v=DMARC1; p=none; pct=50; rua=mailto:rua@reports.example; ruf=mailto:ruf@reports.example"
_smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:other@pct.example"
""",
    "twice.example": """_dmarc IN TXT "v=DMARC1; p=none; rua=mailto:rua@reports.example"
_dmarc IN TXT "v=DMARC1; p=reject"
""",
    "wrong.example": """_dmarc IN TXT "v=DMARC1; p=nothing; rua=mailto:rua@elsewhere.example"
""",
    "evil.example": """_dmarc IN TXT "v=DMARC1; p=\\027[31mred; rua=mailto:rua@reports.example"
""",
    "nopolicy.example": """_dmarc IN TXT "v=DMARC1; rua=mailto:rua@reports.example"
""",
    "empty.example": "",
    "wild.example": """@ IN MX 10 mx
mx IN A 127.0.0.1
*._report._dmarc IN TXT "v=DMARC1"
""",
    "nomx.example": "",
    "nomxbuta.example": """@ IN A 127.0.0.1
""",
    "spelling.example": """_dmarc IN TXT "v=DMARC1; p=Quarantine; sp=NONE; adkim=R; aspf=S; rua=mailto:RUA@Reports.Example; ruf=mailto:ruf+spelling.example@reports.example"
_smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:rua+tls@reports.example"
""",
    "customer.example": """_dmarc IN TXT "v=DMARC1; p=none; rua=mailto:customer-17@reports.example; ruf=mailto:customer-17@reports.example"
_smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:customer-17@reports.example"
""",
    "forwild.example": """_dmarc IN TXT "v=DMARC1; p=none; rua=mailto:rua@wild.example; ruf=mailto:ruf@wild.example"
""",
}

# (arguments, exit code, lines that must start like this, texts that must not appear)
CASES = [
    (["good.example", "--for", "reports.example"], 0,
     ["ok    MX reports.example -> mx.reports.example 127.0.0.1", "ok    port", "ok    _dmarc.good.example: p=none",
      "ok    good.example._report._dmarc.reports.example", "ok    _smtp._tls.good.example"], ["FAIL", "WARN"]),
    (["pct.example", "--for", "reports.example"], 0,
     ["WARN  _dmarc.pct.example still has pct=50", "WARN  _smtp._tls.pct.example: rua does not name"], ["FAIL"]),
    (["twice.example", "--for", "reports.example"], 1,
     ["FAIL  _dmarc.twice.example has several DMARC1 records",
      "FAIL  twice.example._report._dmarc.reports.example is missing",
      "WARN  _smtp._tls.twice.example is missing"], []),
    (["wrong.example", "--for", "reports.example"], 1,
     ["FAIL  _dmarc.wrong.example: rua does not name rua@reports.example", "FAIL  _dmarc.wrong.example: p=nothing"], []),
    (["evil.example", "--for", "reports.example"], 1, ["FAIL  _dmarc.evil.example: p="], ["\x1b"]),
    (["nopolicy.example", "--for", "reports.example"], 1, ["WARN  _dmarc.nopolicy.example has no p="], []),
    # No zone of this server: it refuses, which is no answer and not an absence.
    (["unserved.example", "--for", "reports.example"], 1, ["FAIL  _dmarc.unserved.example cannot be looked up"],
     ["_dmarc.unserved.example is missing"]),
    (["good.example", "pct.example", "--for", "reports.example"], 0,
     ["ok    _dmarc.good.example", "ok    _dmarc.pct.example", "ok    pct.example._report._dmarc.reports.example"], ["FAIL"]),
    (["empty.example", "--for", "reports.example"], 1, ["FAIL  _dmarc.empty.example is missing. Publish: _dmarc.empty.example. TXT"], []),
    (["forwild.example", "--for", "wild.example"], 0, ["ok    forwild.example._report._dmarc.wild.example"], ["FAIL"]),
    # Each address has a domain that needs an MX and an authorisation.
    (["empty.example", "--rua", "rua@reports.example", "--ruf", "ruf@wild.example"], 1,
     ["ok    MX reports.example", "ok    MX wild.example", "FAIL  empty.example._report._dmarc.reports.example is missing",
      "ok    empty.example._report._dmarc.wild.example"], []),
    (["good.example", "--for", "nomx.example", "--rua", "rua@reports.example"], 1,
     ["FAIL  MX nomx.example is missing, so report mail does not arrive. Publish: nomx.example. MX 10 mx.nomx.example."], []),
    # RFC 5321 section 5.1: mail goes to the address record.
    (["good.example", "--for", "nomxbuta.example", "--rua", "rua@nomxbuta.example"], 1,
     ["WARN  MX nomxbuta.example is missing, so report mail goes to the address of that name, 127.0.0.1.", "ok    port"],
     ["does not arrive"]),
    # Values in any case; addresses as the listener takes them.
    (["spelling.example", "--for", "reports.example"], 0,
     ["ok    _dmarc.spelling.example: p=Quarantine, rua=RUA@reports.example",
      "ok    _smtp._tls.spelling.example: rua=rua+tls@reports.example"], ["FAIL", "WARN"]),
    (["customer.example", "--for", "reports.example"], 1, ["FAIL  _dmarc.customer.example: rua does not name rua@reports.example"], []),
    # Without --for: the addresses of smtp.accept, as `check` and `summary` advise.
    (["good.example", "--config", "one.toml"], 0, ["ok    _dmarc.good.example: p=none, rua=rua@reports.example"], ["FAIL", "WARN"]),
    (["good.example", "--config", "both.toml"], 0, ["ok    MX reports.example", "ok    _dmarc.good.example: p=none, rua=rua@reports.example"],
     ["FAIL", "WARN", "MX good.example"]),
    (["empty.example", "--config", "both.toml"], 1, ["FAIL  _dmarc.empty.example is missing. Publish: _dmarc.empty.example. TXT \"v=DMARC1; "
                                                     "p=none; rua=mailto:rua@reports.example"], []),
    (["customer.example", "--config", "all.toml"], 0, ["ok    _dmarc.customer.example: p=none, rua=customer-17@reports.example"],
     ["FAIL", "WARN"]),
]

CONFIGS = {
    "one.toml": '[smtp]\naccept = ["rua@reports.example", "ruf@reports.example"]\n',
    "both.toml": '[smtp]\naccept = ["rua@reports.example", "ruf@reports.example", "@good.example"]\n',
    "all.toml": '[smtp]\naccept = ["@reports.example"]\n',
}


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve_greeting(listener):
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            peer.sendall(b"220 mx.reports.example ESMTP\r\n")
            peer.settimeout(2)
            try:
                peer.recv(64)
            except OSError:
                pass


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    nsd = shutil.which("nsd") or shutil.which("nsd", path="/usr/sbin")
    if nsd is None:
        print("skipped: nsd is not installed")
        sys.exit(77)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dmarcbox-dns-"))
    port = free_port(socket.SOCK_DGRAM)
    config = (f"server:\n  ip-address: 127.0.0.1\n  port: {port}\n  username: \"\"\n  zonesdir: \"{folder}\"\n"
              f"  database: \"\"\n  pidfile: \"{folder}/nsd.pid\"\n  xfrdfile: \"{folder}/xfrd.state\"\n"
              f"  xfrdir: \"{folder}\"\n  zonelistfile: \"{folder}/zone.list\"\n  server-count: 1\nremote-control:\n  control-enable: no\n")
    for origin, records in ZONES.items():
        (folder / f"{origin}.zone").write_text(ZONE.format(origin=origin) + records)
        config += f"zone:\n  name: {origin}\n  zonefile: {origin}.zone\n"
    (folder / "nsd.conf").write_text(config)
    for name, text in CONFIGS.items():
        (folder / name).write_text(text)
    name_server = subprocess.Popen([nsd, "-d", "-c", folder / "nsd.conf"], stdout=subprocess.DEVNULL, stderr=open(folder / "nsd.log", "wb"))
    listener = socket.create_server(("127.0.0.1", 0))
    smtp_port = listener.getsockname()[1]
    threading.Thread(target=serve_greeting, args=(listener,), daemon=True).start()
    time.sleep(0.5)
    failed = 0
    try:
        for arguments, code, lines, never in CASES:
            run = subprocess.run([binary, "dns", *arguments, "--check", "--name-server", f"127.0.0.1@{port}", "--smtp-port", str(smtp_port)],
                                 capture_output=True, text=True, timeout=60, cwd=folder)
            faults = [] if run.returncode == code else [f"exit {run.returncode} instead of {code}"]
            faults += [f"no line starts with {wanted!r}" for wanted in lines
                       if not any(line.startswith(wanted) for line in run.stdout.splitlines())]
            faults += [f"{text!r} appears" for text in never if text in run.stdout]
            print("ok  " if not faults else "FAIL", *arguments)
            if faults:
                failed += 1
                print("\n".join(faults), run.stdout, run.stderr, sep="\n")
    finally:
        name_server.terminate()
        name_server.wait(10)
        listener.close()
    if failed:
        sys.exit(f"{failed} of {len(CASES)} cases failed; zones and log in {folder}")
    shutil.rmtree(folder)


main()
