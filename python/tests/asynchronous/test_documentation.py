"""The page of idioms, against the real daemon."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from sluice.testing import Daemon

PAGE = Path(__file__).resolve().parents[3] / "docs" / "idioms.md"


def test_the_python_program_of_the_page_works(sluiced: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_ADDRESS", sluiced.address)
    outcome = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_the_table_shows_only_lines_of_the_program_and_of_the_conversations() -> None:
    page = PAGE.read_text()
    program = "".join(re.findall(r"```pycon\n(.*?)```", page, re.S))
    sent = {line[3:] for block in re.findall(r"```transcript\n(.*?)```", page, re.S) for line in block.split("\n")}
    section = page.partition("## asyncio, trio and multiprocessing queues")[2].partition("\n## ")[0]
    rows = [line.replace(r"\|", "\0").strip("| ").split(" | ") for line in section.split("\n") if line.startswith("| ")]
    assert len(rows) > 15
    for row in rows[1:]:
        assert len(row) == 5, row
        python, wire = (cell.replace("\0", "|").strip("`") for cell in row[3:])
        assert python in program
        assert wire.startswith("\N{EN DASH}") or wire in sent, wire
