"""The binary n-gram file: what is written is read again, and pocketsphinx reads it as we do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pocketsphinx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.recognising.english_frequencies import packaged_model
from assistant.recognising.language_mixing import SCRIPT, TERMS, Mixture, mix
from assistant.recognising.language_model import LOG_BASE, BrokenModelError, NGramModel, read_model, write_model

SENTENCES = [line.split() for line in ("the fire door stays closed", "the zoltex glove stays on", "zoltex is safe")]


@pytest.fixture(scope="module")
def wheel() -> NGramModel:
    return read_model(packaged_model())


@pytest.fixture(scope="module")
def mixed(wheel: NGramModel) -> NGramModel:
    return mix(wheel, SENTENCES, SCRIPT)


def log_p(model: NGramModel, *words: str) -> float:
    """Of the last word after the others, with backoff: the slow plain definition."""
    ids = [model.words.index(word) for word in words]
    if len(ids) == 1:
        return float(model.word_log_p[ids[0]])
    if len(ids) == 2:
        row = np.flatnonzero((model.before == ids[0]) & (model.word == ids[1]))
        if len(row):
            return float(model.bigram_log_p[row[0]])
        return float(model.word_log_backoff[ids[0]]) + log_p(model, words[1])
    pair = np.flatnonzero((model.before == ids[1]) & (model.word == ids[2]))
    row = np.flatnonzero((model.bigram == pair[0]) & (model.first == ids[0])) if len(pair) else pair
    if len(row):
        return float(model.trigram_log_p[row[0]])
    history = np.flatnonzero((model.before == ids[0]) & (model.word == ids[1]))
    backoff = float(model.bigram_log_backoff[history[0]]) if len(history) else 0.0
    return backoff + log_p(model, *words[1:])


def total_after(model: NGramModel, history: str) -> float:
    """Probability of all words together after one word."""
    number = model.words.index(history)
    rows = model.before == number
    unseen = 1 - np.exp(model.word_log_p[model.word[rows]]).sum()
    return float(np.exp(model.bigram_log_p[rows]).sum() + np.exp(model.word_log_backoff[number]) * unseen)


def test_one_sentence_of_a_script_may_follow_the_other_without_a_pause(wheel: NGramModel, mixed: NGramModel) -> None:
    apart = mix(wheel, SENTENCES, replace(SCRIPT, runs_on=False))
    assert log_p(mixed, "stays", "closed", "the") > log_p(apart, "stays", "closed", "the") + 1
    assert log_p(mixed, "stays", "on", "zoltex") > log_p(apart, "stays", "on", "zoltex") + 1


def test_what_is_written_is_read_again(wheel: NGramModel, tmp_path: Path) -> None:
    write_model(wheel, tmp_path / "same.bin")
    same = read_model(tmp_path / "same.bin")
    assert same.words == wheel.words
    for field in ("before", "word", "bigram", "first", "word_log_p", "word_log_backoff"):
        assert np.array_equal(getattr(same, field), getattr(wheel, field)), field
    for field in ("bigram_log_p", "bigram_log_backoff", "trigram_log_p"):
        assert np.abs(getattr(same, field) - getattr(wheel, field)).max() < 0.002, field


@pytest.mark.parametrize(
    "words", [("fire",), ("the", "fire"), ("the", "fire", "door"), ("of", "the", "zulu"), ("zurich", "aardvark")]
)
def test_pocketsphinx_reads_the_same_probabilities(wheel: NGramModel, words: tuple[str, ...]) -> None:
    decoder = pocketsphinx.Decoder(loglevel="FATAL")
    model = decoder.get_lm(decoder.current_search())
    known = [word for word in words if word in wheel.words]
    assert model.prob(known[::-1]) * LOG_BASE == pytest.approx(log_p(wheel, *known), abs=0.01)


def test_histories_still_add_up_to_one(mixed: NGramModel) -> None:
    for history in ("the", "fire", "zoltex", "<s>", "january"):
        assert total_after(mixed, history) == pytest.approx(1.0, abs=1e-3)
    assert np.exp(mixed.word_log_p).sum() == pytest.approx(1.0, abs=1e-3)


def test_what_the_text_says_becomes_likely_and_the_rest_stays(wheel: NGramModel, mixed: NGramModel) -> None:
    assert log_p(mixed, "the", "fire", "door") > log_p(wheel, "the", "fire", "door") + 1
    assert log_p(mixed, "the", "zoltex") > -2
    assert log_p(mixed, "last", "year") == pytest.approx(log_p(wheel, "last", "year"), abs=0.01)


def test_terms_say_nothing_of_where_sentences_begin(wheel: NGramModel) -> None:
    bent = mix(wheel, SENTENCES, TERMS)
    assert log_p(bent, "<s>", "the") == pytest.approx(log_p(wheel, "<s>", "the"), abs=0.01)


def test_the_cap_leaves_something_to_everything_else(wheel: NGramModel) -> None:
    bent = mix(wheel, [["fire", "door"]] * 1000, Mixture(share=0.3, cap=0.9))
    assert np.exp(log_p(bent, "fire", "door")) == pytest.approx(0.9, abs=0.02)


def test_an_empty_text_changes_nothing(wheel: NGramModel) -> None:
    assert mix(wheel, [], SCRIPT) is wheel
    assert mix(wheel, [[], []], TERMS) is wheel


@pytest.mark.parametrize("damage", ["empty", "magic", "cut", "random"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    data = packaged_model().read_bytes()
    damaged = {"empty": b"", "magic": b"X" + data[1:], "cut": data[: len(data) // 2], "random": bytes(5000)}[damage]
    (tmp_path / "bad.bin").write_bytes(damaged)
    with pytest.raises(BrokenModelError, match=r"bad\.bin"):
        read_model(tmp_path / "bad.bin")


@settings(max_examples=25)
@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), min_size=1, max_size=8))
def test_any_small_model_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory, sentences: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("small") / "small.bin"
    small = mix(tiny_model(), sentences, SCRIPT)
    write_model(small, path)
    again = read_model(path)
    assert again.words == small.words
    assert np.array_equal(again.bigram, small.bigram)
    assert np.array_equal(again.first, small.first)
    assert np.array_equal(again.before, small.before)
    assert np.allclose(again.trigram_log_p, small.trigram_log_p, atol=0.002)


def tiny_model() -> NGramModel:
    """Sentence marks and one word, no pairs."""
    nothing, none = np.zeros(0, np.int64), np.zeros(0)
    log_ps = np.log([1e-30, 0.5, 0.5])
    return NGramModel(
        ("<s>", "</s>", "word"), log_ps, np.zeros(3), nothing, nothing, none, none, nothing, nothing, none
    )
