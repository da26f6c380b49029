"""Text that nobody said, and text that somebody did."""

import pytest

from assistant.recognising.invention import invention_reason


@pytest.mark.parametrize(
    ("text", "duration_s", "says"),
    [
        ("thank you " * 12, 30.0, "over and over"),
        ("la " * 30, 30.0, "over and over"),
        ("please wear your gloves in the hall " * 4, 30.0, "over and over"),
        ("谢谢观看" * 8, 30.0, "over and over"),
        ("This is a sentence that nobody can say in one second at all.", 1.0, "more text"),
        ("请戴好安全帽然后进入车间不要触摸机器", 0.8, "more text"),
    ],
)
def test_loops_and_floods_are_known(text: str, duration_s: float, says: str) -> None:
    assert says in str(invention_reason(text, duration_s))


def test_text_in_silence_is_known() -> None:
    assert "no speech" in str(invention_reason("Thank you.", 5.0, speech_s=0.0))
    assert invention_reason("Thank you.", 5.0, speech_s=1.0) is None


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [
        ("", 0.0),
        ("no no no no no", 2.0),
        ("very very very good, very very very good", 3.0),
        ("Row, row, row your boat, gently down the stream.", 4.0),
        ("Wear gloves. Wear goggles. Wear boots. Wear a helmet.", 5.0),
        ("请戴好安全帽，然后进入车间。", 2.5),
        ("OK", 0.1),
        ("seven seven seven four four four", 2.0),
    ],
)
def test_speech_is_left_alone(text: str, duration_s: float) -> None:
    assert invention_reason(text, duration_s) is None
