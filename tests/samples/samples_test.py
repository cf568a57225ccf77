#!/usr/bin/env python3
"""The sample data set, imported: `summary` and `readiness` name its cast rightly; with --page, the page holds together in a browser.

usage: samples_test.py DMARCBOX [--page PICTURES_FOLDER]      exit 77: --page, and Chromium is not installed (skipped)
"""
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = {"192.0.2.25": "aligned", "2001:db8::25": "aligned", "198.51.100.8-10 (3)": "misconfigured", "203.0.113.40": "forwarder",
           "203.0.113.192-223 (32)": "unauthenticated"}
PHONE = 390


def check(condition, text):
    if not condition:
        sys.exit(f"FAIL  {text}")
    print(f"ok    {text.splitlines()[0]}")


def browse(browser, url, *flags):
    """A headless browser of its own profile, which asks the network for nothing."""
    with tempfile.TemporaryDirectory(prefix="dmarcbox-browser-", ignore_cleanup_errors=True) as profile:
        return subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                               "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                               f"--user-data-dir={profile}", "--enable-logging=stderr", *flags, url],
                              capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": profile})


def check_answers(run):
    summary = json.loads(run("summary", "--domain", "example.org", "--days", "90", "--json").stdout)
    found = {source["source"]: source["class"] for source in summary["sources"]}
    check(found == CLASSES, f"summary names each source and its class\n{found}")
    check(summary["messages"] == sum(summary["class_messages"].values()), "the classes add up")
    check(any("\u56de\u590d:\u8c22\u8c22\uff01" == sample["sample_subject"] for sample in summary["samples"]), "a GB2312 subject is decoded")
    text = run("summary").stdout
    for word in *CLASSES, "Samples: 3", "TLS: ", "certificate-expired", "Silent: silent.example", "Unreadable: 1 message":
        check(word in text, f"summary tells {word}\n{text}")
    ready = run("readiness", "example.org")
    for word in ("NOT READY for p=quarantine", "198.51.100.8-10 (3)", "DKIM passes for esp.example", "203.0.113.40", "your signature breaks here",
                 "203.0.113.192-223 (32)", "likely not yours"):
        check(word in ready.stdout, f"readiness tells {word}\n{ready.stdout}")
    check(ready.returncode == 1, "readiness: exit 1")


def check_page(browser, page, pictures):
    html = page.read_text()
    check(not re.search(r"<script|<link|<img|<iframe|url\((?!#)|@import|https?://", html), "the page asks the network for nothing")
    check("NOT READY for p=quarantine" in html, "the page tells the verdict")
    pictures.mkdir(parents=True, exist_ok=True)
    # Windows are not narrower than 500 points: a phone is a frame in one.
    phone = page.with_name("phone.html")
    phone.write_text(f"<!doctype html><body style='margin:0'><iframe src='{page.name}' style='width:{PHONE}px;height:3200px;border:0'></iframe>")
    for name, shown, width, height, flags in (("light", page, 1000, 2700, ["--blink-settings=preferredColorScheme=1"]),
                                              ("dark", page, 1000, 2700, ["--blink-settings=preferredColorScheme=0"]),
                                              ("phone", phone, 500, 3200, ["--blink-settings=preferredColorScheme=1"])):
        picture = pictures / f"page-{name}.png"
        picture.unlink(missing_ok=True)
        said = browse(browser, shown.as_uri(), f"--window-size={width},{height}", f"--screenshot={picture}", *flags)
        check(picture.exists() and picture.stat().st_size > 20000, f"page-{name}.png\n{said.stderr[-2000:]}")
        check("CONSOLE" not in said.stderr and "Refused to" not in said.stderr, f"{name}: nothing in the console\n{said.stderr[-2000:]}")
    printed = pictures / "page-print.pdf"
    printed.unlink(missing_ok=True)
    said = browse(browser, page.as_uri(), "--no-pdf-header-footer", f"--print-to-pdf={printed}")
    check(printed.exists() and printed.read_bytes().startswith(b"%PDF"), f"page-print.pdf\n{said.stderr[-2000:]}")
    # The browser's own layout, asked by a page around ours, which runs no script.
    probe = page.with_name("probe.html")
    probe.write_text(f"""<!doctype html><iframe id=f style='width:{PHONE}px;height:800px;border:0'
srcdoc="{html.replace('&', '&amp;').replace('"', '&quot;')}"></iframe><pre id=o></pre><script>f.onload = () => {{
const d = f.contentDocument, found = {{width: d.documentElement.scrollWidth, lines: 0, text: 99}};
for (const cell of d.querySelectorAll('td'))
    if (cell.offsetParent) found.lines = Math.max(found.lines, cell.getBoundingClientRect().height / parseFloat(getComputedStyle(cell).lineHeight));
for (const text of d.querySelectorAll('svg text')) {{
    const svg = text.ownerSVGElement.getBoundingClientRect();
    found.text = Math.min(found.text, parseFloat(getComputedStyle(text).fontSize) * svg.width / 720);
}}
o.textContent = 'found ' + JSON.stringify(found) + ' end';
}}</script>""")
    dom = browse(browser, probe.as_uri(), "--dump-dom", "--virtual-time-budget=3000").stdout
    found = re.search(r"found (\{.*?\}) end", dom)
    check(found, f"the browser tells the layout\n{dom[-500:]}")
    layout = json.loads(found[1])
    check(layout["width"] <= PHONE, f"nothing is wider than a phone of {PHONE} points ({layout['width']})")
    check(layout["text"] >= 9, f"the pictures' texts can be read on it ({layout['text']:.1f} points)")
    check(layout["lines"] < 3, f"no row is stretched by a column that is out of sight ({layout['lines']:.1f} lines)")


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    pictures = pathlib.Path(sys.argv[3]) if sys.argv[2:3] == ["--page"] else None
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if pictures and not browser:
        print("skipped: no Chromium")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="dmarcbox-samples-") as folder:
        folder = pathlib.Path(folder)
        # Up to yesterday: the page also tells whether everybody is silent.
        yesterday = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).date().isoformat()
        subprocess.run([sys.executable, HERE / "make_samples.py", folder / "mails", "--until", yesterday], check=True, stdout=subprocess.DEVNULL)

        def run(*arguments):
            return subprocess.run([program, *arguments, "--db", folder / "samples.db"], capture_output=True, text=True, timeout=120)
        imported = run("import", "--quiet", folder / "mails")
        check(imported.returncode == 1, f"import: exit 1, since one report is cut off\n{imported.stderr}")
        if not pictures:
            check_answers(run)
            return
        page = folder / "page.html"
        check(run("summary", "--html", page).returncode == 0, "the page is written")
        check_page(browser, page, pictures)


main()
