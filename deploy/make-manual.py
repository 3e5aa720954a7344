#!/usr/bin/env python3
"""Writes the manual pages from what the programs and the configuration say about themselves.

    deploy/make-manual.py [--programs DIRECTORY] [--output DIRECTORY] [--check]

The pages of the programs come from their definitions of commands and options (`--experimental-dump-help`), and
sluiced.yaml(5) from the comments in config/sluiced.yaml. With --check, nothing is written: the script exits with 1 if a
page in the directory differs.
"""

import argparse
import difflib
import json
import re
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
SECTIONS = {"sluice": 1, "sluice-load": 1, "sluiced": 8}
MANUALS = {1: "User Commands", 5: "File Formats", 8: "System Administration"}
ALSO = {
    "sluice": ["sluice-load(1)", "sluiced(8)"],
    "sluice-load": ["sluice(1)", "sluiced(8)"],
    "sluiced": ["sluiced.yaml(5)", "sluice(1)"],
    "sluiced.yaml": ["sluiced(8)"],
}
FILES = {
    "sluiced": [
        ("/etc/sluice/sluiced.yaml", "The configuration of the service: see sluiced.yaml(5)."),
        ("/var/lib/sluice", "The state directory of the service."),
        ("/run/sluice/sluice.sock", "The Unix-domain socket of the service."),
    ]
}


def quote(text: str) -> str:
    """Escapes text for roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"(?m)^\.", r"\\&.", text)


def paragraphs(text: str) -> list[str]:
    return [quote(" ".join(block.split())) for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]


def with_references(text: str) -> str:
    """Sets references such as sluiced(8) in bold."""
    return re.sub(r"\b([a-z]+(?:\\-[a-z]+)?(?:\.[a-z]+)?)\(([158])\)", r"\\fB\1\\fR(\2)", text)


class Page:
    def __init__(self, name: str, section: int, abstract: str):
        self.name, self.section = name, section
        summary = abstract.rstrip(".")
        summary = summary[:1].lower() + summary[1:] if not summary[:2].isupper() else summary
        self.lines = [
            '.\\" Written by deploy/make-manual.py. Change the text in the program or in config/sluiced.yaml.',
            f'.TH {quote(name.upper())} {section} "" Sluice "{MANUALS[section]}"',
            ".nh",
            ".SH NAME",
            f"{quote(name)} \\- {quote(summary)}",
        ]

    def section_heading(self, title: str) -> None:
        self.lines.append(f".SH {title}")

    def text(self, text: str) -> None:
        for number, paragraph in enumerate(paragraphs(text)):
            if number:
                self.lines.append(".PP")
            self.lines.append(with_references(paragraph))

    def item(self, term: str, text: str) -> None:
        self.lines += [".TP", term, with_references(" ".join(paragraphs(text))) or "\\&"]

    def end(self) -> str:
        references = [quote(reference) for reference in ALSO[self.name]]
        self.section_heading("SEE ALSO")
        self.lines.append(with_references(", ".join(references)))
        self.lines += [".PP", quote("The directory /usr/share/doc/sluice has the whole documentation.")]
        return "\n".join(self.lines) + "\n"


def term(argument: dict) -> str:
    """The names of an option, and its value, in the fonts of a manual page."""
    value = argument.get("valueName", "")
    if argument["kind"] == "positional":
        return f"\\fI{quote(value)}\\fR"
    names = []
    for name in sorted(argument["names"], key=lambda name: name["kind"] == "long"):
        dashes = "--" if name["kind"] == "long" else "-"
        names.append(f"\\fB{quote(dashes + name['name'])}\\fR")
    text = ", ".join(names)
    return f"{text} \\fI{quote(value)}\\fR" if argument["kind"] == "option" else text


def usage(path: str, command: dict) -> str:
    parts = [f"\\fB{quote(path)}\\fR"]
    shown = [argument for argument in command.get("arguments", []) if argument["shouldDisplay"]]
    if any(argument["kind"] != "positional" for argument in shown):
        parts.append("[\\fIoptions\\fR]")
    for argument in shown:
        if argument["kind"] == "positional":
            value = term(argument) + ("..." if argument["isRepeating"] else "")
            parts.append(f"[{value}]" if argument["isOptional"] else value)
    if commands(command, path):
        parts.append("\\fIcommand\\fR")
    return " ".join(parts)


def description(argument: dict) -> str:
    text = " ".join(filter(None, [argument.get("abstract"), argument.get("discussion")]))
    if argument.get("defaultValue"):
        text += f" The default is {argument['defaultValue']}."
    if argument.get("allValues"):
        text += f" One of {', '.join(argument['allValues'])}."
    return text


def commands(command: dict, path: str) -> list[tuple[str, dict]]:
    """All commands below a command that do something, with their full names."""
    found = []
    for sub in command.get("subcommands", []):
        if not sub.get("shouldDisplay", True) or sub["commandName"] == "help":
            continue
        name = f"{path} {sub['commandName']}"
        inner = commands(sub, name)
        found += inner or [(name, sub)]
    return found


def is_shown(argument: dict) -> bool:
    names = [name["name"] for name in argument.get("names") or []]
    return argument["shouldDisplay"] and "help" not in names and "version" not in names


def program_page(program: str, dump: dict) -> str:
    command = dump["command"]
    page = Page(program, SECTIONS[program], command["abstract"])
    page.section_heading("SYNOPSIS")
    below = commands(command, program)
    page.lines.append(usage(program, command))
    for name, sub in below:
        page.lines += [".br", usage(name, sub)]
    page.section_heading("DESCRIPTION")
    page.text("\n\n".join(filter(None, [command["abstract"], command.get("discussion")])))
    own = [argument for argument in command.get("arguments", []) if argument["shouldDisplay"]]
    page.section_heading("OPTIONS")
    for argument in own:
        page.item(term(argument), description(argument))
    shared = shared_options(below)
    if shared:
        page.lines += [".SS Options of most commands"]
        for argument in shared:
            page.item(term(argument), description(argument))
    if below:
        page.section_heading("COMMANDS")
    for name, sub in below:
        page.lines.append(f'.SS "{quote(name.removeprefix(program + " "))}"')
        page.lines += [usage(name, sub), ".PP"]
        page.text("\n\n".join(filter(None, [sub.get("abstract"), sub.get("discussion")])))
        shown = [argument for argument in sub.get("arguments", []) if is_shown(argument)]
        absent = [argument for argument in shared if argument not in shown]
        if absent and len(absent) < len(shared):
            page.lines += [".PP", "Without " + ", ".join(term(argument) for argument in absent) + "."]
        for argument in shown:
            if argument not in shared:
                page.item(term(argument), description(argument))
    if program in FILES:
        page.section_heading("FILES")
        for path, text in FILES[program]:
            page.item(f"\\fI{quote(path)}\\fR", text)
    return page.end()


def shared_options(below: list[tuple[str, dict]]) -> list[dict]:
    """The options that more than half of the commands have, in the order of the first of these."""
    counted: list[list] = []
    for _, sub in below:
        for argument in sub.get("arguments", []):
            if argument["kind"] == "positional" or not is_shown(argument):
                continue
            entry = next((entry for entry in counted if entry[0] == argument), None)
            if entry:
                entry[1] += 1
            else:
                counted.append([argument, 1])
    return [argument for argument, count in counted if count > len(below) / 2]


def configuration_page(text: str) -> str:
    page = Page("sluiced.yaml", 5, "configuration of sluiced")
    page.section_heading("DESCRIPTION")
    head, _, rest = text.partition("\n\n")
    page.text("\n".join(line.removeprefix("#").strip() for line in head.splitlines()))
    page.section_heading("KEYS")
    lines = rest.splitlines()
    comment: list[str] = []
    group = ""
    is_example = False  # comments directly below a key are examples of its value
    for index, line in enumerate(lines):
        if match := re.fullmatch(r" *# ?(.*)", line):
            if not is_example:
                comment.append("" if match[1] == "Examples:" else match[1])
        elif match := re.fullmatch(r"( *)([a-z-]+):(?: (.*))?", line):
            indent, key, value = match.groups()
            is_group = not indent and not value and holds_keys(lines[index + 1 :])
            if not indent:
                group = key if is_group else ""
            name = f"{group}.{key}" if indent else key
            page.lines += [".TP", f"\\fB{quote(name)}\\fR" + (f": \\fI{quote(value)}\\fR" if value else "")]
            page.lines.append("\n.sp\n".join(map(with_references, paragraphs("\n".join(comment)))) or "\\&")
            comment = []
            is_example = not is_group
        elif not line.strip():
            is_example = False
    return page.end()


def holds_keys(lines: list[str]) -> bool:
    """Whether the lines below a key are keys of its own."""
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            return re.match(r" +[a-z-]+:", line) is not None
    return False


def pages(programs: Path) -> dict[str, str]:
    found = {}
    for program, section in SECTIONS.items():
        output = subprocess.run(
            [programs / program, "--experimental-dump-help"], check=True, capture_output=True, text=True
        ).stdout
        found[f"{program}.{section}"] = program_page(program, json.loads(output))
    found["sluiced.yaml.5"] = configuration_page((TREE / "config/sluiced.yaml").read_text())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=Path, default=TREE / ".build/release", help="where the programs are")
    parser.add_argument("--output", type=Path, default=TREE / "docs/man", help="where the pages are")
    parser.add_argument("--check", action="store_true", help="only compare")
    arguments = parser.parse_args()
    differs = False
    for name, text in pages(arguments.programs).items():
        path = arguments.output / name
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            continue
        old = path.read_text() if path.exists() else ""
        if old != text:
            differs = True
            sys.stderr.writelines(
                difflib.unified_diff(old.splitlines(True), text.splitlines(True), f"{path}", "from the programs")
            )
    if differs:
        print("make-manual: the manual pages differ from the programs; run make manual", file=sys.stderr)
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
