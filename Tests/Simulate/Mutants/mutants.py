#!/usr/bin/env python3
"""Runs programs that are wrong in one way each, and fails unless enough of them are noticed.

Without --programs, the simulation plays the wrong hubs of mutants.toml, and the checker must notice every one. With it,
tests run with the wrong clients, commands and daemons of programs.toml, each of which names the tests that should
notice it.

The production sources know nothing of these mutants: the catalog holds an edit for each. All edits are applied to one
copy of the sources, and the environment variable SLUICE_MUTANT chooses the mutant that runs.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
HAS_PROGRAMS = "--programs" in sys.argv
CATALOG = HERE / ("programs.toml" if HAS_PROGRAMS else "mutants.toml")
SCRATCH = ROOT / (".build-mutants-programs" if HAS_PROGRAMS else ".build-mutants")
COPY = SCRATCH / "tree"
PROGRAM = SCRATCH / "release" / "sluice-simulate"
TESTS = SCRATCH / "debug" / "sluicePackageTests.xctest"

#: Bounds the time for one mutant. Those that the checker notices need a few seconds.
TIMEOUT_SECONDS = 300

#: Bounds the time of each test of a mutant, which needs a second or two. A mutant that makes it hang is noticed.
TEST_SECONDS = 15

#: Bounds the time of all tests of a mutant.
ALL_TESTS_SECONDS = 60

#: The mutants of programs.toml that may go unnoticed.
UNNOTICED = 3

#: The end of the manifest of the copy, which leaves out the tests: SwiftPM rejects a target whose folder is missing.
NO_TESTS = b"\npackage.targets.removeAll { $0.isTest }\n"

#: The keys of each mutant in the catalog.
KEYS = {"does", "file", "find", "replace"} | ({"tests"} if HAS_PROGRAMS else set())


@dataclass(frozen=True)
class Mutant:
    name: str
    does: str
    file: str
    find: str
    replace: str
    #: A regular expression for the tests that should notice it; empty for a mutant of the simulation.
    tests: str = ""

    @property
    def case(self):
        """The name of its enumeration case: requeueDropped for requeue-dropped."""
        first, *rest = self.name.split("-")
        return first + "".join(word.capitalize() for word in rest)

    def matches(self, text):
        """Returns where `find` occurs in a source file, however the file breaks its lines."""
        tokens = re.findall(r"\w+|[^\w\s]", self.find)
        pattern = r"\s*".join(re.escape(token) for token in tokens)
        return list(re.finditer(rf"(?<!\w){pattern}(?!\w)" if tokens[-1].isalnum() else rf"(?<!\w){pattern}", text))

    def replacement(self, found):
        """Returns the text that takes the place of `found`."""
        condition = f"Mutant.isOn(.{self.case})"
        words = {"FOUND": found, "MUTANT": condition}
        return re.sub(r"\b(FOUND|MUTANT)\b", lambda match: words[match[0]], self.replace.strip())


class Problems(Exception):
    """Raised with a line for each edit that does not apply, which names the mutant and its place in the catalog."""


def names_of_tests():
    """Returns the names of all suites and functions of the tests, as one text."""
    paths = (ROOT / "Tests").rglob("*.swift")
    declarations = (re.findall(r"\b(?:func|struct|class) (\w+)", path.read_text(encoding="utf-8")) for path in paths)
    return " ".join(name for names in declarations for name in names)


def catalog():
    """Returns the mutants of mutants.toml."""
    text = CATALOG.read_text(encoding="utf-8")
    mutants, problems = [], []
    tests = names_of_tests() if HAS_PROGRAMS else ""
    for name, entry in tomllib.loads(text).items():
        lost = [part for part in entry.get("tests", "").split("|") if part.split(".")[-1] not in tests]
        if set(entry) != KEYS:
            problems.append(problem(name, f"it must have exactly the keys {', '.join(sorted(KEYS))}"))
        elif not re.search(r"\bMUTANT\b", entry["replace"]):
            problems.append(problem(name, "its replacement does not contain MUTANT"))
        elif lost:
            problems.append(problem(name, f"no test has the name {' or '.join(lost)}"))
        else:
            mutants.append(Mutant(name, **entry))
    if problems:
        raise Problems(problems)
    return mutants


def problem(name, text):
    lines = CATALOG.read_text(encoding="utf-8").splitlines()
    return f"{CATALOG.relative_to(ROOT)}:{lines.index(f'[{name}]') + 1}: {name}: {text}"


def edited_sources(mutants):
    """Returns the text of each source file that mutants edit, with all edits applied."""
    paths = list((ROOT / "Sources").rglob("*.swift"))
    edits, problems = {}, []
    for mutant in mutants:
        found = [path for path in paths if path.as_posix().endswith("/" + mutant.file)]
        if len(found) != 1:
            problems.append(
                problem(mutant.name, f"{mutant.file} names {len(found)} files in Sources; it must name exactly one")
            )
            continue
        matches = mutant.matches(found[0].read_text(encoding="utf-8"))
        if len(matches) != 1:
            place = found[0].relative_to(ROOT)
            problems.append(
                problem(mutant.name, f"its text occurs {len(matches)} times in {place}; it must occur once")
            )
            continue
        edits.setdefault(found[0], []).append((*matches[0].span(), mutant))
    sources = {path: edited(path, sorted(edits[path], key=lambda edit: edit[0]), problems) for path in edits}
    if problems:
        raise Problems(problems)
    return sources


def edited(path, edits, problems):
    text = path.read_text(encoding="utf-8")
    pieces, end = [], 0
    for start, stop, mutant in edits:
        if start < end:
            problems.append(problem(mutant.name, f"its text overlaps with that of another mutant in {path.name}"))
            continue
        pieces += [text[end:start], mutant.replacement(text[start:stop])]
        end = stop
    return "".join(pieces) + text[end:]


def switch(mutants):
    """Returns a Swift source file with an enumeration of the mutants, which tells whether one is on."""
    cases = "\n".join(f'    case {mutant.case} = "{mutant.name}"' for mutant in mutants)
    return f"""import Glibc

enum Mutant: String {{
{cases}

    private static let played = getenv("SLUICE_MUTANT").flatMap {{ Mutant(rawValue: String(cString: $0)) }}

    static func isOn(_ mutant: Mutant) -> Bool {{ played == mutant }}
}}
"""


def write_copy(mutants):
    """Updates the copy. Writes only the files whose content differs, so that little is built again."""
    manifest = (ROOT / "Package.swift").read_bytes()
    wanted = {ROOT / "Package.swift": manifest if HAS_PROGRAMS else manifest + NO_TESTS}
    # The targets in these folders have no tests, and SwiftPM wants each target of the manifest.
    folders = ["Plugins", "Sources", *re.findall(r'path: "(Tests/[^"]+)"', manifest.decode())]
    if HAS_PROGRAMS:
        folders = ["Plugins", "Sources", "Tests", "config"]
    for folder in folders:
        wanted |= {path: path.read_bytes() for path in (ROOT / folder).rglob("*") if path.is_file()}
    for path, text in edited_sources(mutants).items():
        wanted[path] = text.encode()
        target = ROOT.joinpath(*path.relative_to(ROOT).parts[:2])
        wanted[target / "Mutant.swift"] = switch(mutants).encode()
    copies = {COPY / path.relative_to(ROOT): content for path, content in wanted.items()}
    for path in COPY.rglob("*"):
        if path.is_file() and path not in copies and path.name != "Package.resolved":
            path.unlink()
    for path, content in copies.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def build():
    command = ["swift", "build", "-c", "release", "--product", "sluice-simulate", "--disable-default-traits"]
    if HAS_PROGRAMS:
        command = ["swift", "build", "--build-tests"]
    command += ["--package-path", COPY, "--scratch-path", SCRATCH]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
        sys.exit("mutants: the copy of the sources with the mutants in it does not build")


def run_tests(mutant):
    """Runs the tests that should notice a mutant. Returns the outcome, and a line about it."""
    tests = subprocess.Popen(
        [TESTS, "--testing-library", "swift-testing", "--filter", mutant.tests],
        cwd=COPY,
        env=os.environ | {"SLUICE_MUTANT": mutant.name, "SLUICE_TEST_SECONDS": str(TEST_SECONDS)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = tests.communicate(timeout=ALL_TESTS_SECONDS)
    except subprocess.TimeoutExpired:
        return "killed", f"its tests hang for {ALL_TESTS_SECONDS} s"
    finally:
        end_session(tests)
    failed = re.findall(r"Test \"(.*?)\".* failed after", output)
    # The process ends before a test that hangs has failed.
    failed += [f"{name} hangs" for name in re.findall(r"Test \"([^\"]*)\"[^\n]* issue[^\n]*\n?[^\n]*not ended", output)]
    if tests.returncode != 0:
        return "killed", "; ".join(failed) or f"the tests end with {tests.returncode}"
    if not re.search(r"Test run with [1-9]\d* test", output):
        return "SURVIVED", f"no test matches {mutant.tests}"
    return "SURVIVED", mutant.tests


def end_session(leader):
    """Kills a process, and the daemons and commands that it has left behind. Each has a process group of its own."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(path.name)) == leader.pid:
                os.kill(int(path.name), signal.SIGKILL)
        except ProcessLookupError:
            pass
    leader.wait()


def play(mutant, seeds):
    """Plays the seeds in a process of its own, because a wrong hub may crash or hang.

    Returns the outcome, and a line about it.
    """
    command = [PROGRAM, "--first-failure", "--seeds", str(seeds)]
    environment = os.environ | {"SLUICE_MUTANT": mutant.name}
    try:
        result = subprocess.run(
            command, env=environment, timeout=TIMEOUT_SECONDS, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return "HUNG", f"for {TIMEOUT_SECONDS} s"
    if result.returncode == 0:
        return "SURVIVED", f"{seeds} seeds"
    if result.returncode == 1 and result.stdout.startswith("seed "):
        return "killed", result.stdout.strip()
    return "CRASHED", f"status {result.returncode}: {result.stderr.strip()[-200:]}"


def play_all(mutants, seeds):
    """Plays every mutant, as many at a time as there are processors. Returns whether all are noticed."""
    killed = 0
    if HAS_PROGRAMS:
        outcome, text = run_tests(Mutant("none", "", "", "", "", "|".join({mutant.tests for mutant in mutants})))
        if outcome == "killed":
            sys.exit(f"mutants: the tests fail without a mutant too: {text}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        plays = [
            (mutant, pool.submit(run_tests, mutant) if HAS_PROGRAMS else pool.submit(play, mutant, seeds))
            for mutant in mutants
        ]
        for mutant, outcome in plays:
            ending, text = outcome.result()
            killed += ending == "killed"
            print(f"{ending:<9} {mutant.name:<28} {text}", flush=True)
    print(f"mutants: {killed} of {len(mutants)} killed")
    return 0 < len(mutants) <= killed + (UNNOTICED if HAS_PROGRAMS else 0)


def parsed_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only check that every edit applies to the sources")
    parser.add_argument("--list-mutants", action="store_true", help="list the mutants and what each does wrong")
    parser.add_argument("--programs", action="store_true", help="run the tests with the mutants of programs.toml")
    parser.add_argument("--only", metavar="A,B", help="play only these mutants")
    parser.add_argument("--seeds", type=int, default=3000, help="play at most this many seeds (default: 3000)")
    return parser.parse_args()


def main():
    arguments = parsed_arguments()
    try:
        mutants = catalog()
        if arguments.list_mutants:
            for mutant in mutants:
                print(f"{mutant.name:<28} {mutant.does}")
            return 0
        if arguments.check:
            edited_sources(mutants)
            return 0
        write_copy(mutants)
    except Problems as problems:
        print("\n".join(problems.args[0]), file=sys.stderr)
        return 1
    build()
    names = arguments.only.split(",") if arguments.only else [mutant.name for mutant in mutants]
    unknown = set(names) - {mutant.name for mutant in mutants}
    if unknown:
        sys.exit(f"mutants: no mutant is called {', '.join(sorted(unknown))}; --list-mutants lists them")
    return 0 if play_all([mutant for mutant in mutants if mutant.name in names], arguments.seeds) else 1


sys.exit(main())
