#!/usr/bin/env python3
"""Makes dmarcbox.1.gz and dmarcbox.toml.5.gz: the words of the .scd files, the commands as the program's own help
tells them, the keys with the reasons that dmarcbox.toml gives. Fails on a command or key that it cannot read.

usage: make_pages.py --program DMARCBOX --scdoc SCDOC --output FOLDER
"""
import argparse
import gzip
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOML = HERE.parent / "dmarcbox.toml"


def escape(text):
    """Plain text for scdoc: what it reads as markup stands as it is."""
    return re.sub(r"([\\*_<>#~\[\]`.+-])", r"\\\1", text) if text else text


def output_of(*command):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}).stdout


def literal(lines):
    """A literal block: four blanks in troff are kept by ``` ... ```."""
    return ["```"] + lines + ["```", ""]


def commands(program):
    overview = output_of(program, "--help")
    section = re.search(r"^COMMANDS\n(.*?)(?:^\S|\Z)", overview, re.S | re.M)
    if not section:
        sys.exit("make_pages.py: no heading COMMANDS in the program's help")
    names = re.findall(r"^ {1,4}([a-z]+)\s", section.group(1), re.M)
    page = []
    for name in names:
        text = output_of(program, name, "--help").partition("\nFLAGS OF EVERY COMMAND\n")[0]
        page += [f"## dmarcbox {name}", ""] + literal(text.rstrip().splitlines())
    flags = re.search(r"^FLAGS OF EVERY COMMAND\n(.*?)(?:^\S|\Z)", overview, re.S | re.M)
    if not flags:
        sys.exit("make_pages.py: no heading FLAGS OF EVERY COMMAND in the program's help")
    page += ["## Flags of every command", ""] + literal(flags.group(1).rstrip().splitlines())
    return "\n".join(page)


def keys():
    """(what stands before the first section, the keys of all sections as scdoc)."""
    head, page, comment, section = [], [], [], ""
    for number, line in enumerate(TOML.read_text().splitlines(), 1):
        if match := re.match(r"^# ?(.*)$", line):
            # A commented key is an example of the key before it, or a key without default.
            if (key := re.match(r"^([a-z_]+) = (.*)$", match.group(1))) and section:
                page += entry(section, key, comment, "for example ")
                comment = []
            else:
                comment.append(match.group(1))
        elif match := re.match(r"^\[([a-z_.]+)\]$", line):
            if not section:
                head, comment = head + comment, []
            section = match.group(1)
            page += [f"## Section {section}", ""]
            if comment:
                sys.exit(f"make_pages.py: {TOML.name}:{number}: a comment without a key")
        elif match := re.match(r"^([a-z_]+) = (.*)$", line):
            page += entry(section, match, comment, "")
            comment = []
        elif line.strip():
            sys.exit(f"make_pages.py: {TOML.name}:{number}: neither comment, section nor key: {line}")
        elif not section:
            head += comment + [""]
            comment = []
    return escape("\n".join(head).strip()), "\n".join(page)


def entry(section, key, comment, word):
    if word and not comment:  # an example of the key just described
        return [f"\tFor example {escape(key.group(2))}", ""]
    lines = [f"*{escape(section + '.' + key.group(1))}* = {word}{escape(key.group(2))}"]
    return lines + ["\t" + escape(" ".join(comment) or "See above.")] + [""]


def write(output, name, text, scdoc):
    page = subprocess.run([scdoc], check=True, input=text, capture_output=True, text=True).stdout
    (output / f"{name}.gz").write_bytes(gzip.compress(page.encode(), 9, mtime=0))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    for flag in ("--program", "--scdoc", "--output"):
        parser.add_argument(flag, required=True)
    arguments = parser.parse_args()
    output = pathlib.Path(arguments.output)
    output.mkdir(parents=True, exist_ok=True)
    head, all_keys = keys()
    write(output, "dmarcbox.1",
          (HERE / "dmarcbox.1.scd").read_text().replace("@COMMANDS@", commands(arguments.program)), arguments.scdoc)
    write(output, "dmarcbox.toml.5",
          (HERE / "dmarcbox.toml.5.scd").read_text().replace("@HEAD@", head).replace("@KEYS@", all_keys),
          arguments.scdoc)


if __name__ == "__main__":
    main()
