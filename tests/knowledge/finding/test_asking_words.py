"""What only asks is left out, what is asked about stays."""

from knowledge.finding.asking_words import without_asking_words


def test_a_chinese_question_keeps_what_it_is_about() -> None:
    assert without_asking_words("大冠鹫又叫做什么？", "zh").replace(" ", "") == "大冠鹫又？"
    assert without_asking_words("集合點在哪裡", "zh").strip() == "集合點在"


def test_a_question_of_asking_words_alone_is_kept() -> None:
    assert without_asking_words("为什么？", "zh") == "为什么？"


def test_other_languages_keep_every_word() -> None:
    assert without_asking_words("Who is it?", "en") == "Who is it?"
