"""How the demo looks in a pipe, on a terminal and as JSON."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from earmark.demo import AskedSample, HeardRecording, SampleQuestion
from earmark.demo_showing import show, showing_for
from knowledge.finding.moment import Verdict
from tests.earmark.demo_answers import FIRE, TYPED, UNANSWERABLE, answer, moment

SPOKEN = SampleQuestion("spoken", "What is wrong?", Path("spoken.flac"), FIRE)
FOUND = (
    HeardRecording("Safety", "fire.opus", 200, 0.0812),
    HeardRecording("Safety", "flood.opus", 100, None),
    AskedSample(TYPED, answer(moment("fire.opus", 64.2)), None, 0.214),
    AskedSample(SPOKEN, answer(moment("flood.opus", 3.0), heard="what is [red]wrong"), None, 1.5),
    AskedSample(UNANSWERABLE, answer(verdict=Verdict.ABSENT), None, 0.2),
)


def shown(*, terminal: bool, as_json: bool = False) -> str:
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=120, no_color=True)
    show(FOUND, showing_for(console, as_json=as_json))
    return written.getvalue()


def test_a_pipe_gets_plain_lines_in_the_order_of_asking() -> None:
    text = shown(terminal=False)
    assert "\x1b" not in text
    assert text.splitlines()[:8] == [
        "heard  fire.opus  8.1 % of 200 words wrong",
        "heard  flood.opus  not indexed",
        "",
        "[typed]",
        "  Where is the exit?",
        "  fire.opus 1:04",
        "  “Take the stairs [never the lift].”",
        "  answered: right, 0.21 s",
    ]
    assert "not in the recordings: rightly refused" in text
    assert "Right at first place: 0 of 1 spoken, 1 of 1 typed questions." in text
    assert "Not in the recordings: 1 of 1 rightly refused; 0 of 2 that have an answer wrongly refused." in text


@pytest.mark.parametrize("terminal", [True, False])
def test_what_people_said_is_never_read_as_a_style(terminal: bool) -> None:
    text = shown(terminal=terminal)
    assert "heard: what is [red]wrong" in text
    assert "[never the lift]" in text


def test_a_terminal_gets_tables() -> None:
    text = shown(terminal=True)
    assert "best moment" in text
    assert "8.1 % of 200 words wrong" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_json_is_one_document_on_one_line(terminal: bool) -> None:
    text = shown(terminal=terminal, as_json=True)
    assert text.count("\n") == 1
    document = json.loads(text)
    assert document["recordings"][0] == {"course": "Safety", "recording": "fire.opus", "words": 200, "wer": 0.0812}
    assert document["questions"][1]["heard"] == "what is [red]wrong"
    assert document["questions"][0]["best"]["start_s"] == 64.2
    assert document["summary"]["answerable_typed"] == {"right": 1, "of": 1}
