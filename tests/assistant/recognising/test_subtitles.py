"""Subtitles as trainers have them: odd encodings, styling, roll-up captions, and the broken ones."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import BadInput
from assistant.recognising.subtitles import read_subtitles, write_srt, write_vtt
from knowledge.transcripts.segment import Segment, TimeSource

TWO_CUES = "1\n00:00:01,000 --> 00:00:02,500\nWear gloves.\n\n2\n00:00:03,000 --> 00:00:04,000\nAlways.\n"


@pytest.fixture
def srt(tmp_path: Path) -> Path:
    return tmp_path / "lesson.srt"


def texts(path: Path) -> list[str]:
    return [segment.text for segment in read_subtitles(path)]


def test_cues_become_segments_with_their_own_times(srt: Path) -> None:
    srt.write_text(TWO_CUES)
    assert read_subtitles(srt, language="en") == [
        Segment(1.0, 2.5, "Wear gloves.", "en", TimeSource.SUBTITLE),
        Segment(3.0, 4.0, "Always.", "en", TimeSource.SUBTITLE),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
def test_chinese_is_read_in_any_encoding(srt: Path, encoding: str) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\n请戴好安全帽，\n然后进入车间。\n"
    srt.write_bytes(text.encode(encoding))
    assert texts(srt) == ["请戴好安全帽，然后进入车间。"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "latin-1"])
def test_western_letters_are_read_in_any_encoding(srt: Path, encoding: str) -> None:
    srt.write_bytes("1\n00:00:01,000 --> 00:00:02,000\nÇa va très bien: Übung, naïve\n".encode(encoding))
    assert texts(srt) == ["Ça va très bien: Übung, naïve"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(srt: Path, newline: str) -> None:
    srt.write_bytes(TWO_CUES.replace("\n", newline).encode())
    assert texts(srt) == ["Wear gloves.", "Always."]


def test_cues_without_an_empty_line_between_keep_their_numbers_out_of_the_text(srt: Path) -> None:
    srt.write_text("1\n00:00:01,000 --> 00:00:02,000\nOne\n2\n00:00:03,000 --> 00:00:04,000\nTwo\n")
    assert texts(srt) == ["One", "Two"]


def test_a_number_that_is_said_stays(srt: Path) -> None:
    srt.write_text("1\n00:00:01,000 --> 00:00:02,000\n42\n")
    assert texts(srt) == ["42"]


def test_vtt_headers_notes_styles_and_settings_are_no_text(tmp_path: Path) -> None:
    vtt = tmp_path / "lesson.vtt"
    vtt.write_text(
        "WEBVTT - lesson\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE\nnothing --> said\n\nREGION\nid:a\n\n"
        "intro\n00:01.000 --> 00:02.000 align:start position:0%\n<v Ann>Wear <i>gloves</i> &amp; boots.</v>\n\n"
        "NOTE after\n\n01:00:03.000 --> 01:00:04.000\n<00:00:03.500><c.red>Always.</c>\n"
    )
    assert [(s.start_s, s.text) for s in read_subtitles(vtt)] == [(1.0, "Wear gloves & boots."), (3603.0, "Always.")]


def test_styling_goes_and_comparisons_stay(srt: Path) -> None:
    srt.write_text('1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<font color="#ff0">Keep 3 < 5 m</font>\n')
    assert texts(srt) == ["Keep 3 < 5 m"]


def test_an_overlapping_cue_ends_the_one_before(srt: Path) -> None:
    srt.write_text("1\n00:00:01,000 --> 00:00:05,000\nOne\n\n2\n00:00:03,000 --> 00:00:06,000\nTwo\n")
    assert [(s.start_s, s.end_s) for s in read_subtitles(srt)] == [(1.0, 3.0), (3.0, 6.0)]


def test_cues_that_begin_together_become_one(srt: Path) -> None:
    srt.write_text("1\n00:00:01,000 --> 00:00:02,000\n- Ready?\n\n2\n00:00:01,000 --> 00:00:03,000\n- Yes.\n")
    assert [(s.end_s, s.text) for s in read_subtitles(srt)] == [(3.0, "- Ready? - Yes.")]


def test_roll_up_captions_say_each_line_once(srt: Path) -> None:
    srt.write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nwear your gloves\n\n"
        "2\n00:00:02,000 --> 00:00:02,010\nwear your gloves\n\n"
        "3\n00:00:02,010 --> 00:00:04,000\nwear your gloves\nand your boots\n\n"
        "4\n00:00:04,000 --> 00:00:05,000\nand your boots\nall day\n"
    )
    assert [(s.end_s, s.text) for s in read_subtitles(srt)] == [
        (2.01, "wear your gloves"),
        (4.0, "and your boots"),
        (5.0, "all day"),
    ]


def test_the_same_words_later_are_said_again(srt: Path) -> None:
    srt.write_text("1\n00:00:01,000 --> 00:00:02,000\nStop.\n\n2\n00:00:03,000 --> 00:00:04,000\nStop.\n")
    assert texts(srt) == ["Stop.", "Stop."]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "holds no subtitles"),
        ("just some notes\nof a trainer\n", "holds no subtitles"),
        ("1\n00:00:05,000 --> 00:00:03,000\nx\n", "line 2: the cue ends"),
        (TWO_CUES + "\n3\n00:00:02,000 --> 00:00:06,000\nx\n", "line 10: the cue starts"),
        ("1\n00:00:xx --> 00:00:03,000\nx\n", "line 2: no times"),
        ("1\n-00:00:05,000 --> 00:00:03,000\nx\n", "line 2: no times"),
        ("1\n999999:00:00,000 --> 999999:00:01,000\nx\n", "line 2: a time beyond"),
        ("1\n" + "9" * 400 + ":00:00,000 --> 00:00:01,000\nx\n", "line 2: no times"),
    ],
)
def test_broken_subtitles_are_refused_by_line_with_a_way_out(srt: Path, text: str, named: str) -> None:
    srt.write_text(text)
    with pytest.raises(BadInput, match=named) as refusal:
        read_subtitles(srt)
    assert "lesson.srt" in refusal.value.detail
    assert refusal.value.way_out


def test_random_bytes_are_refused(srt: Path) -> None:
    srt.write_bytes(bytes(range(256)) * 40)
    with pytest.raises(BadInput):
        read_subtitles(srt)


def test_what_reaches_over_the_end_is_cut_there(srt: Path) -> None:
    srt.write_text(TWO_CUES)
    assert read_subtitles(srt, duration_s=3.5)[-1].end_s == 3.5
    with pytest.raises(BadInput, match=r"line 6.*after the recording's end"):
        read_subtitles(srt, duration_s=1.5)


@pytest.mark.slow
def test_a_hundred_thousand_cues_are_read_in_seconds(srt: Path) -> None:
    segments = [Segment(float(n), n + 0.5, f"Sentence {n}.") for n in range(100_000)]
    srt.write_text(write_srt(segments))
    began = time.process_time()
    assert len(read_subtitles(srt)) == 100_000
    assert time.process_time() - began < 10


words = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"], exclude_characters="<>{}&"), min_size=1)


@st.composite
def spoken(draw: st.DrawFn) -> list[Segment]:
    """Segments in order with pauses, at whole milliseconds."""
    at, segments = 0, []
    for text in draw(st.lists(words.map(lambda text: " ".join(text.split())).filter(bool), min_size=1, max_size=8)):
        start = at + draw(st.integers(100, 100_000))
        at = start + draw(st.integers(1, 20_000))
        segments.append(Segment(start / 1000, at / 1000, text, time_source=TimeSource.SUBTITLE))
    return segments


@given(spoken())
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, segments: list[Segment]) -> None:
    folder = tmp_path_factory.mktemp("written")
    (folder / "a.srt").write_text(write_srt(segments), encoding="utf-8")
    (folder / "a.vtt").write_text(write_vtt(segments), encoding="utf-8")
    assert read_subtitles(folder / "a.srt") == segments
    assert read_subtitles(folder / "a.vtt") == segments


def test_marks_survive_vtt(tmp_path: Path) -> None:
    said = [Segment(1.0, 2.0, "a < b && c --> d <i>e</i>", time_source=TimeSource.SUBTITLE)]
    (tmp_path / "a.vtt").write_text(write_vtt(said))
    assert read_subtitles(tmp_path / "a.vtt") == said
