"""What a card hides: the term that says most, in any script, and never a time that nobody measured."""

import pytest

from assistant.learning.cards import cloze, has_gap, language_between, words_between
from knowledge.transcripts.segment import Segment, TimeSource, Word

TALK = (
    "Welcome to the safety induction for the whole site.",
    "You report a near miss the same day, on the yellow form.",
    "The form goes to your shift lead before the shift ends.",
    "Report what you saw, and where on the site it was.",
    "A forklift may carry 2500 kilograms, and never a person.",
)
CHINESE = (
    "发生未遂事故要当天上报，填写黄色表格。",
    "未遂事故就是差一点造成伤害的事情。",
    "黄色表格交给当班主管，主管当天签字。",
    "灭火器每个月检查一次，检查结果写在卡片上。",
)


def hidden(text: str, texts: tuple[str, ...] = TALK, language: str = "und") -> str:
    pieces = cloze(text, texts, language=language)
    assert pieces is not None
    assert "".join(piece.text for piece in pieces) == text
    [word] = {piece.text.casefold() for piece in pieces if piece.hidden}
    return word


def test_a_rare_long_word_is_hidden_and_never_a_small_one() -> None:
    assert hidden(TALK[0]) == "induction"
    assert hidden(TALK[1]) == "yellow"
    assert hidden(TALK[4]) in {"forklift", "kilograms"}


def test_the_same_text_hides_the_same_word_each_time() -> None:
    assert len({hidden(TALK[2]) for _ in range(5)}) == 1


def test_a_word_that_is_said_all_the_time_is_left_in() -> None:
    texts = tuple(f"the extinguisher number {sign}" for sign in "abcdef")
    assert hidden("the extinguisher needs pressure", (*texts, "the extinguisher needs pressure")) == "pressure"


def test_a_number_is_worth_asking_for() -> None:
    assert hidden("It may carry 2500 kilos at most", ("It may carry 2500 kilos at most", "kilos at most")) == "2500"


def test_a_word_is_hidden_wherever_it_stands() -> None:
    pieces = cloze("Lockout first: no lockout, no work.", TALK)
    assert pieces is not None
    assert [(piece.text, piece.hidden) for piece in pieces] == [
        ("Lockout", True),
        (" first: no ", False),
        ("lockout", True),
        (", no work.", False),
    ]


def test_of_chinese_a_run_of_signs_is_hidden_that_is_said_together() -> None:
    assert hidden(CHINESE[0], CHINESE, "zh") in {"未遂事故", "黄色表格"}
    assert hidden(CHINESE[1], CHINESE, "zh") == "未遂事故"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("안전 교육에 오신 것을 환영합니다.", "ko"),
        ("सुरक्षा प्रशिक्षण में आपका स्वागत है।", "hi"),
        ("مرحبًا بكم في تدريب السلامة.", "ar"),
        ("Don’t lift it, don’t push it.", "en"),
        ("می‌شود و نمی‌شود گفت", "fa"),
    ],
)
def test_only_whole_words_are_hidden(text: str, language: str) -> None:
    """Also where vowels are marks of their own, and where signs of one script stand for whole syllables."""
    assert hidden(text, (text,), language) in {word.strip(".,।").casefold() for word in text.split()}


THAI = "สวมหมวกนิรภัยก่อนเข้าพื้นที่"


@pytest.mark.parametrize("text", [THAI, "ໃສ່ໝວກນິລະໄພ", "ពាក់មួកសុវត្ថិភាព", "ဦးထုပ်ဆောင်းပါ"])
def test_where_words_of_many_letters_stand_without_spaces_there_is_no_gap(text: str) -> None:
    assert not has_gap(text)
    assert cloze(text, [text]) is None
    assert hidden(f"{text} forklift {text}", (text,)) == "forklift"


@pytest.mark.parametrize("text", ["", " ", "…", "and the of it", "的了是在", "___ '' ''", "哈"])
def test_where_no_term_says_anything_there_is_nothing_to_ask(text: str) -> None:
    assert cloze(text, TALK) is None


def test_nothing_is_read_of_a_recording_where_there_is_no_term() -> None:
    assert cloze("and the of it", (pytest.fail("read") for _ in "x")) is None


@pytest.mark.parametrize("text", ["哈哈哈哈", "{{ x }} %(name)s <script>alert</script>", "1" * 5000, "a" * 5000])
def test_whatever_is_said_stays_as_it_is(text: str) -> None:
    pieces = cloze(text, [text])
    assert pieces is not None
    assert "".join(piece.text for piece in pieces) == text


def spoken(start_s: float, text: str, *, timed: bool = True, invented: bool = False, language: str = "en") -> Segment:
    """A second a word."""
    said = text.split()
    words = tuple(Word(start_s + at, start_s + at + 1, word) for at, word in enumerate(said))
    end_s = start_s + len(said)
    return Segment(start_s, end_s, text, language, TimeSource.VAD, words if timed else (), invented=invented)


def test_only_the_words_that_were_measured_between_two_seconds_are_taken() -> None:
    segments = [spoken(0, "one two three"), spoken(3, "four five six")]
    assert words_between(segments, 1.0, 4.0) == "two three four"
    assert words_between(segments, 0.0, 6.0) == "one two three four five six"
    assert words_between(segments, 20.0, 30.0) == ""


def test_a_segment_without_times_of_its_words_is_taken_whole() -> None:
    assert words_between([spoken(0, "one two three", timed=False)], 1.0, 2.0) == "one two three"


def test_what_nobody_said_is_no_words_of_a_moment() -> None:
    assert words_between([spoken(0, "thanks for watching", invented=True), spoken(3, " ")], 0, 9) == ""


def test_signs_are_joined_without_a_space_and_words_with_one() -> None:
    assert (
        words_between([spoken(0, "안전 교육 시간", language="ko")], 0.9, 3.1)
        == words_between([spoken(0, "교육 시간", language="ko")], 0, 2)
        == "교육 시간"
    )
    assert (
        words_between([spoken(0, "未 遂", language="zh"), spoken(2, "事 故 now", language="zh")], 0.9, 4.1) == "遂事故"
    )
    assert words_between([spoken(0, "a b c")], 1.0, 3.0) == "b c"


def test_a_moments_language_is_the_first_that_is_told() -> None:
    assert language_between([spoken(0, "x", language="und"), spoken(1, "y", language="zh")]) == "zh"
    assert language_between([]) == "und"
