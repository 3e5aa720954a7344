"""The programs of docs/csp.md print what the page says."""

from __future__ import annotations

import re

import pytest
from programs import FOLDER, output, run_text

from sluice import csp

PAGE = (FOLDER.parents[2] / "docs" / "csp.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("program", "expected"), PROGRAMS, ids=range(1, len(PROGRAMS) + 1))
def test_the_programs_of_the_page_work(tmp_path, program, expected):
    done = run_text(tmp_path, program)
    assert done.stderr == ""
    assert done.stdout == expected
    assert done.returncode == 0


def test_every_program_of_the_page_has_an_output():
    assert len(PROGRAMS) == PAGE.count("```python") > 4


def test_everything_public_is_documented():
    for name in csp.__all__:
        value = getattr(csp, name)
        assert name == "version" or value.__doc__, name


@pytest.mark.parametrize(
    ("title", "program", "expected"),
    [
        (
            "PyCSP",
            "idioms_pycsp.py",
            "received: sweep the yard\n[7, 12]\n[1, 4, 9]\nTrue\nSkipGuard\n60\nsweep the yard\nretired\npoisoned\n",
        ),
        (
            "python-csp",
            "idioms_python_csp.py",
            "[7, 7, 12, 12]\nreceived: sweep the yard\nchosen: sweep the yard\nchosen: sweep the yard\nSkip\nNone\n"
            "['ww', 'mm', 'ww', 'mm']\npoisoned\n",
        ),
    ],
)
def test_the_tables_of_idioms_show_code_that_works(title, program, expected):
    assert output(program) == expected
    idioms = (FOLDER.parents[2] / "docs" / "idioms.md").read_text()
    table = idioms.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    shown = [
        code for cell in re.findall(r"^\| \[(.*?)\]\(#", table, re.MULTILINE) for code in re.findall(r"`(.+?)`", cell)
    ]
    assert len(shown) > 10
    text = (FOLDER / program).read_text()
    for code in shown:
        assert code.replace("\\|", "|") in text
