"""What `-h` shows."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("command", "last"),
    [
        (["ask"], 'earmark ask --text "How do I report a near miss?" --course "Workplace safety"'),
        (["bench", "calibrate"], "earmark bench calibrate --reset"),
        (["index"], "earmark index talk.mp4 --script talk.txt"),
        ([], "3 a part is down, 130 interrupted."),
    ],
)
def test_each_example_and_each_exit_code_stands_on_a_line_of_its_own(command: list[str], last: str) -> None:
    """In a process of its own: the command line sets up the logging of the process that it runs in."""
    told = subprocess.run([sys.executable, "-m", "earmark", *command, "-h"], check=True, capture_output=True, text=True)
    assert last in [line.strip() for line in told.stdout.splitlines()]


HEAVY = ("fastapi", "networkx", "pypinyin", "reportlab", "scipy", "sklearn", "torch", "web.app")
LOADED_BY = """
import sys
from earmark.__main__ import run

run([sys.argv[1], "-h"])
print(*sorted(set(sys.argv[2:]) & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("command", ["ask", "audit", "doctor", "index", "serve", "users"])
def test_a_command_does_not_wait_for_what_others_need(command: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADED_BY, command, *HEAVY], check=True, capture_output=True, text=True
    )
    assert told.stderr.split() == []
