#!/usr/bin/env python3
"""The sample data set, imported: `summary` and `readiness` name its cast rightly, and the page holds together in a browser.

usage: samples_test.py DMARCBOX [PICTURES_FOLDER]
"""
import datetime
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = {"192.0.2.25": "aligned", "2001:db8::25": "aligned", "198.51.100.8-10 (3)": "misconfigured", "203.0.113.40": "forwarder",
           "203.0.113.192-223 (32)": "unauthenticated"}


def check(condition, text):
    if not condition:
        sys.exit(f"FAIL  {text}")
    print(f"ok    {text.splitlines()[0]}")


def browse(browser, page, picture, width, height, dark):
    """A picture of the page; what the browser's console and network said."""
    return subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
                           f"--blink-settings=preferredColorScheme={0 if dark else 1}", f"--window-size={width},{height}",
                           f"--screenshot={picture}", page.as_uri()], capture_output=True, text=True, timeout=120)


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="dmarcbox-samples-") as folder:
        folder = pathlib.Path(folder)
        # Up to yesterday: who is silent depends on today.
        yesterday = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).date().isoformat()
        subprocess.run([sys.executable, HERE / "make_samples.py", folder / "mails", "--until", yesterday], check=True, stdout=subprocess.DEVNULL)

        def run(*arguments):
            return subprocess.run([program, *arguments, "--db", folder / "samples.db"], capture_output=True, text=True, timeout=120)
        imported = run("import", "--quiet", folder / "mails")
        check(imported.returncode == 1, f"import: exit 1, since one report is cut off\n{imported.stderr}")
        summary = json.loads(run("summary", "--domain", "example.org", "--days", "90", "--json").stdout)
        found = {source["source"]: source["class"] for source in summary["sources"]}
        check(found == CLASSES, f"summary names each source and its class\n{found}")
        check(summary["messages"] == sum(summary["class_messages"].values()), "the classes add up")
        check(any("\u56de\u590d:\u8c22\u8c22\uff01" == sample["sample_subject"] for sample in summary["samples"]), "a GB2312 subject is decoded")
        text = run("summary").stdout
        for word in *CLASSES, "Samples: 3", "TLS: ", "certificate-expired", "Silent: silent.example", "1 message unreadable":
            check(word in text, f"summary tells {word}\n{text}")
        ready = run("readiness", "example.org")
        for word in ("NOT READY for p=quarantine", "198.51.100.8-10 (3)", "DKIM passes for esp.example", "203.0.113.40", "your signature breaks here",
                     "203.0.113.192-223 (32)", "likely not yours"):
            check(word in ready.stdout, f"readiness tells {word}\n{ready.stdout}")
        check(ready.returncode == 1, "readiness: exit 1")
        page = folder / "page.html"
        check(run("summary", "--html", page).returncode == 0, "the page is written")
        html = page.read_text()
        check(not re.search(r"<script|<link|<img|<iframe|url\((?!#)|@import|https?://", html), "the page asks the network for nothing")
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if not browser:
            print("      no Chromium: the page was not looked at")
            return
        pictures = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else folder
        pictures.mkdir(parents=True, exist_ok=True)
        for name, width, height, dark in ("light", 1000, 2700, False), ("dark", 1000, 2700, True), ("phone", 500, 2600, False):
            picture = pictures / f"page-{name}.png"
            picture.unlink(missing_ok=True)
            said = browse(browser, page, picture, width, height, dark)
            check(picture.exists() and picture.stat().st_size > 20000, f"page-{name}.png\n{said.stderr[-2000:]}")
            check("CONSOLE" not in said.stderr and "Refused to" not in said.stderr, f"{name}: nothing in the console\n{said.stderr[-2000:]}")
        # The browser's own layout tells whether anything is wider than a phone. A probe page, since ours runs no script.
        probe = folder / "probe.html"
        probe.write_text(f"<!doctype html><iframe id=f style='width:390px;height:800px;border:0' srcdoc=\"{html.replace('&', '&amp;').replace(chr(34), '&quot;')}\">"
                         "</iframe><pre id=o></pre><script>f.onload=()=>{o.textContent='width '+f.contentDocument.documentElement.scrollWidth}</script>")
        dom = subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom", "--virtual-time-budget=3000", probe.as_uri()],
                             capture_output=True, text=True, timeout=120).stdout
        width = re.search(r"width (\d+)", dom)
        check(width and int(width[1]) <= 390, f"nothing is wider than a phone of 390 points ({width and width[1]})")


main()
