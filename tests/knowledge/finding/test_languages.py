"""Which language a text is in, and who may speak about it."""

import pytest

from knowledge.finding.languages import Script, base_language, guess_language, knows, language_of, script_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is the assembly point?", "en"),
        ("Wo ist der Sammelplatz und wie komme ich dahin?", "de"),
        ("Où est le point de rassemblement ?", "fr"),
        ("¿Dónde está el punto de encuentro?", "es"),
        ("集合点在哪里", "zh"),
        ("避難場所はどこですか", "ja"),
        ("집합 장소는 어디입니까", "ko"),
        ("Где место сбора?", "ru"),
        ("", "und"),
        ("1234 ?!", "und"),
        ("ISO 9001", "und"),
    ],
)
def test_small_words_and_letters_give_a_language_away(text: str, language: str) -> None:
    assert guess_language(text) == language


def test_one_english_name_does_not_make_a_chinese_question_english() -> None:
    assert script_of("BERT模型是什么") is Script.HAN


def test_what_is_told_is_believed_unless_the_letters_deny_it() -> None:
    assert language_of("Handy", "de") == "de"
    assert language_of("集合点在哪里", "en") == "zh"
    assert language_of("where is it", "zh") == "en"


def test_codes_are_cut_to_the_language() -> None:
    assert [base_language(code) for code in ("zh-Hant-TW", "EN_us", "yue", "nb", "")] == ["zh", "en", "zh", "no", "und"]


def test_an_embedder_speaks_about_its_own_languages() -> None:
    assert knows(None, "zh")
    assert knows(frozenset({"en-US"}), "en")
    assert not knows(frozenset({"en"}), "zh")
    assert knows(frozenset({"en"}), "und")
