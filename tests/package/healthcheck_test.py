#!/usr/bin/env python3
"""The container's health check asks the listener that the environment names, and believes only 200.

usage: healthcheck_test.py
"""
import http.server
import os
import pathlib
import socket
import subprocess
import sys
import threading

CHECK = pathlib.Path(__file__).resolve().parents[2] / "deploy/container/healthcheck"


class Handler(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        self.send_response(Handler.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


def result(listen):
    return subprocess.run([CHECK], env=os.environ | {"DMARCBOX_METRICS_LISTEN": listen}, capture_output=True, timeout=20).returncode


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
        cases = [(f"127.0.0.1:{port}", 200, 0), (f"0.0.0.0:{port}", 200, 0), (f"[::]:{port}", 200, 0),
                 (f"127.0.0.1:{port}", 503, 1), (f"127.0.0.1:{closed}", 200, 1)]
        for listen, status, expected in cases:
            Handler.status = status
            found = result(listen)
            if found != expected:
                sys.exit(f"{listen}, status {status}: exit code {found}, expected {expected}")
    print(f"health check: {len(cases)} cases")


if __name__ == "__main__":
    main()
