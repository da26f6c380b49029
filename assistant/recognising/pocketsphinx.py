"""The embedded recogniser: English by pocketsphinx, whose wheel carries the model. Trial quality, nothing to download.

Knows nothing of recordings, courses or the engine that calls it. It holds the interpreter lock while it decodes:
run one in each process.
"""

import hashlib
import math
import re
import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pocketsphinx

from assistant.errors import UnknownLanguage
from assistant.recognising.clip_checks import is_silent, reason_to_refuse
from assistant.recognising.course_words import (
    dictionary_lines,
    new_pronunciations,
    sentences_of_script,
    sentences_of_terms,
)
from assistant.recognising.english_frequencies import packaged_dictionary, packaged_model
from assistant.recognising.language_mixing import SCRIPT, TERMS, mix
from assistant.recognising.language_model import read_model, write_model
from assistant.recognising.pronunciations import read_dictionary
from assistant.recognising.recognizer import Clip, ClipOptions, Recognised, Samples
from knowledge.transcripts.segment import Segment, TimeSource, Word

LANGUAGE = "en"
FRAME_S = 0.01
PAUSE_S = 0.5
"""A pause between words that ends a segment: a breath, not a hesitation."""
LEAST_LOG_POSTERIOR = -1.9
LEAST_LOG_ACOUSTIC_SCORE_A_FRAME = -4.0
"""Below either, clips were foreign speech (14 of 15) or badly heard; 8 of 46 English ones fall under it too."""

MIXED_DECODERS_KEPT = 2
"""Texts whose decoders stay loaded: about 150 MB each."""

_SMALLEST = 1e-320
_PRONUNCIATION_NUMBER = re.compile(r"\(\d+\)$")


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word as the decoder gives it. `posterior` and `acoustic_score` are linear; the score is the whole word's."""

    first_frame: int
    last_frame: int
    text: str
    posterior: float
    acoustic_score: float


class PocketsphinxRecognizer:
    """Deterministic per clip: neither order nor neighbours change a result. One caller at a time."""

    name = "pocketsphinx"
    languages: frozenset[str] | None = frozenset({LANGUAGE})
    gives_word_times = True
    batch_s = 0.0

    def __init__(self) -> None:
        self._decoder = pocketsphinx.Decoder(loglevel="FATAL")
        self._digest = _digest_of(Path(pocketsphinx.get_model_path()))
        self._mixed: OrderedDict[str, pocketsphinx.Decoder] = OrderedDict()

    @property
    def digest(self) -> str:
        return self._digest

    def recognize(self, clips: Sequence[Clip]) -> list[Recognised]:
        for clip in clips:
            _refuse_other_languages(clip.options.language)
        return [self._recognize_one(clip) for clip in clips]

    def _recognize_one(self, clip: Clip) -> Recognised:
        refusal = reason_to_refuse(clip)
        if refusal is not None:
            return Recognised(error=refusal)
        if is_silent(clip):
            return Recognised()
        try:
            words = _decode(self._decoder_for(clip.options), clip.samples)
        except RuntimeError as error:
            return Recognised(error=f"pocketsphinx could not decode {clip.duration_s:.2f} s of sound: {error}")
        doubt = reason_to_doubt(words)
        return Recognised(tuple(segments_of(words, clip.duration_s, doubt)), hard_to_hear=doubt)

    def _decoder_for(self, options: ClipOptions) -> pocketsphinx.Decoder:
        """The wheel's own, or one with the course's text mixed in, kept for the clips that follow."""
        if not options.script and not options.hotwords:
            return self._decoder
        digest = hashlib.sha256(repr((options.script, options.hotwords)).encode()).hexdigest()
        if digest not in self._mixed:
            self._mixed[digest] = _mixed_decoder(options) or self._decoder
        self._mixed.move_to_end(digest)
        while len(self._mixed) > MIXED_DECODERS_KEPT:
            self._mixed.popitem(last=False)
        return self._mixed[digest]


def _mixed_decoder(options: ClipOptions) -> pocketsphinx.Decoder | None:
    """None where the text holds no word that can be said in English."""
    dictionary = read_dictionary(packaged_dictionary())
    model = read_model(packaged_model())
    spoken = []
    if options.script:
        sentences = sentences_of_script(options.script, dictionary)
        spoken += sentences
        model = mix(model, sentences, SCRIPT)
    if options.hotwords:
        terms = sentences_of_terms(options.hotwords, dictionary)
        spoken += terms
        model = mix(model, terms, TERMS)
    if not any(spoken):
        return None
    with tempfile.TemporaryDirectory(prefix="earmark-model-") as folder:
        write_model(model, Path(folder) / "mixed.lm.bin")
        words = packaged_dictionary().read_text(encoding="utf-8")
        added = dictionary_lines(new_pronunciations(spoken, dictionary))
        (Path(folder) / "mixed.dict").write_text(words.rstrip("\n") + "\n" + added, encoding="utf-8")
        return pocketsphinx.Decoder(lm=f"{folder}/mixed.lm.bin", dict=f"{folder}/mixed.dict", loglevel="FATAL")


def reason_to_doubt(words: Sequence[HeardWord]) -> str | None:
    """Why what was heard in one clip is doubtful, by thresholds measured on whole clips. None where it is not."""
    if not words:
        return None
    posterior = sum(_log(word.posterior) for word in words) / len(words)
    frames = sum(word.last_frame - word.first_frame + 1 for word in words)
    acoustic = sum(_log(word.acoustic_score) for word in words) / frames
    if acoustic < LEAST_LOG_ACOUSTIC_SCORE_A_FRAME:
        return f"does not sound like clear English (acoustic score {acoustic:.1f} a frame)"
    if posterior < LEAST_LOG_POSTERIOR:
        return f"the recogniser hesitated between words (mean log posterior {posterior:.1f})"
    return None


def segments_of(words: Sequence[HeardWord], clip_s: float, doubt: str | None) -> list[Segment]:
    """Words in natural stretches, cut at pauses, on the clip's clock."""
    segments = []
    for stretch in _cut_at_pauses(words):
        timed = tuple(_timed(word, clip_s) for word in stretch)
        segments.append(
            Segment(
                start_s=timed[0].start_s,
                end_s=timed[-1].end_s,
                text=" ".join(word.text for word in timed),
                language=LANGUAGE,
                time_source=TimeSource.RECOGNISER,
                words=timed,
                hard_to_hear=doubt,
            )
        )
    return segments


def _cut_at_pauses(words: Sequence[HeardWord]) -> list[list[HeardWord]]:
    stretches: list[list[HeardWord]] = []
    for word in words:
        if stretches and (word.first_frame - stretches[-1][-1].last_frame - 1) * FRAME_S < PAUSE_S:
            stretches[-1].append(word)
        else:
            stretches.append([word])
    return stretches


def _timed(word: HeardWord, clip_s: float) -> Word:
    """The decoder's last frame may reach over the end of the samples: the clip's end bounds it."""
    start_s = min(word.first_frame * FRAME_S, clip_s)
    end_s = min((word.last_frame + 1) * FRAME_S, clip_s)
    return Word(round(start_s, 3), round(max(start_s, end_s), 3), word.text, min(1.0, word.posterior))


def _decode(decoder: pocketsphinx.Decoder, samples: Samples) -> list[HeardWord]:
    """The features start afresh, because the noise tracker would else carry the last clip's room into this one."""
    pcm = (np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    decoder.reinit_feat()
    decoder.start_utt()
    try:
        decoder.process_raw(pcm, no_search=False, full_utt=True)
    finally:
        decoder.end_utt()
    return list(_heard_words(decoder.seg() or ()))


def _heard_words(entries: Iterable[pocketsphinx.Segment]) -> Iterable[HeardWord]:
    """Silence, noise and sentence marks left out, the numbers of other pronunciations stripped: `our(2)` is `our`."""
    for entry in entries:
        if entry.word[0] in "<[+":
            continue
        text = _PRONUNCIATION_NUMBER.sub("", entry.word)
        yield HeardWord(entry.start_frame, entry.end_frame, text, entry.prob, entry.ascore)


def _refuse_other_languages(language: str | None) -> None:
    if language is None or language.lower().replace("_", "-").split("-")[0] in (LANGUAGE, "und"):
        return
    raise UnknownLanguage(
        f"language {language!r}: the embedded trial recogniser (pocketsphinx) hears English only",
        "set RECOGNIZER=remote and RECOGNIZER_URL to a server that hears it",
    )


def _log(linear: float) -> float:
    return math.log(max(linear, _SMALLEST))


def _digest_of(folder: Path) -> str:
    """SHA-256 over the names and bytes of every model file, in the order of their names."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
