"""What `-h` shows."""

import pytest

from earmark.__main__ import DONE, run


@pytest.mark.parametrize(
    ("command", "last"),
    [
        (["ask"], 'earmark ask --text "How do I report a near miss?" --course "Workplace safety"'),
        (["bench", "calibrate"], "earmark bench calibrate --reset"),
        (["index"], "earmark index talk.mp4 --script talk.txt"),
        ([], "3 a part is down, 130 interrupted."),
    ],
)
def test_each_example_and_each_exit_code_stands_on_a_line_of_its_own(
    command: list[str], last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, "-h"]) == DONE
    assert last in [line.strip() for line in capsys.readouterr().out.splitlines()]
