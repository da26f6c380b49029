"""Word and character error rates and speed over a NeMo-style manifest. Knows no recogniser: it is handed one.

A line is {"audio_filepath" (beside the manifest), "duration", "text", "language"}, and may say its `speech` kind
("human", "synthetic"). Errors of one language and kind are summed over its utterances; languages are never summed.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import BadInput, EarmarkError
from earmark.bench.error_rates import Errors, character_errors, word_errors

UNKNOWN = "und"


@dataclass(frozen=True, slots=True)
class HeardText:
    """What was heard in one file. `recognise_s`: the recogniser's own seconds, None where nobody measured them."""

    text: str
    recognise_s: float | None = None


Transcribe = Callable[[Path, str | None], HeardText]
"""A file and its language (None: unknown) in, its text out; raises EarmarkError for a file it cannot hear."""


@dataclass(frozen=True, slots=True)
class Utterance:
    path: Path
    duration_s: float
    text: str
    language: str
    speech: str


@dataclass(frozen=True, slots=True)
class Heard:
    """`heard` is None where the file failed, and `error` says why; its words count as deleted."""

    utterance: Utterance
    heard: str | None
    error: str | None
    wall_s: float
    recognise_s: float | None


@dataclass(frozen=True, slots=True)
class AsrRow:
    """One language and kind of speech. RTFx: seconds of sound a second of work."""

    language: str
    speech: str
    utterances: int
    failed: int
    sound_s: float
    words: Errors
    characters: Errors
    wall_s: float
    recognise_s: float | None

    @property
    def rtfx(self) -> float:
        return self.sound_s / max(self.wall_s if self.recognise_s is None else self.recognise_s, 1e-9)

    def as_document(self) -> dict[str, Any]:
        return {
            "language": self.language,
            "speech": self.speech,
            "utterances": self.utterances,
            "failed": self.failed,
            "sound_s": round(self.sound_s, 3),
            "wer": round(self.words.rate, 4),
            "cer": round(self.characters.rate, 4),
            "substituted": self.words.substituted,
            "deleted": self.words.deleted,
            "inserted": self.words.inserted,
            "words": self.words.reference,
            "rtfx": round(self.rtfx, 2),
            "wall_s": round(self.wall_s, 3),
        }


@dataclass(frozen=True, slots=True)
class AsrReport:
    rows: tuple[AsrRow, ...]
    failures: tuple[tuple[str, str], ...]
    """File and reason."""

    def as_document(self) -> dict[str, Any]:
        failures = [{"audio_filepath": path, "error": error} for path, error in self.failures]
        return {"rows": [row.as_document() for row in self.rows], "failures": failures}

    def as_table(self) -> str:
        """Markdown, for a terminal and for docs/benchmarks.md."""
        head = "| language | speech | files | failed | seconds | WER % | CER % | RTFx |\n| --- | --- | " + "---: | " * 6
        lines = [
            f"| {row.language} | {row.speech} | {row.utterances} | {row.failed} | {row.sound_s:.0f} "
            f"| {100 * row.words.rate:.1f} | {100 * row.characters.rate:.1f} | {row.rtfx:.2f} |"
            for row in self.rows
        ]
        return "\n".join([head.rstrip(), *lines])


def run_asr_bench(
    manifest: Path, transcribe: Transcribe, *, on_file: Callable[[Heard], None] = lambda _: None
) -> AsrReport:
    """Every utterance of the manifest, one after the other. `on_file` hears of each, for progress."""
    heard: list[Heard] = []
    for utterance in read_manifest(manifest):
        heard.append(_hear(utterance, transcribe))
        on_file(heard[-1])
    return report_of(heard)


def read_manifest(manifest: Path) -> list[Utterance]:
    """Raises BadInput naming the line."""
    try:
        lines = manifest.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{manifest}: cannot be read: {error}", "give a jsonl file") from error
    utterances = [_utterance(line, number, manifest) for number, line in enumerate(lines, 1) if line.strip()]
    if not utterances:
        raise BadInput(
            f"{manifest}: holds no utterances", 'a line is {"audio_filepath", "duration", "text", "language"}'
        )
    return utterances


def report_of(heard: Iterable[Heard]) -> AsrReport:
    groups: dict[tuple[str, str], list[Heard]] = {}
    for one in heard:
        groups.setdefault((one.utterance.language, one.utterance.speech), []).append(one)
    failures = [(one.utterance.path.as_posix(), one.error) for group in groups.values() for one in group if one.error]
    return AsrReport(tuple(_row(*key, group) for key, group in sorted(groups.items())), tuple(failures))


def _row(language: str, speech: str, group: Sequence[Heard]) -> AsrRow:
    references = [one.utterance.text for one in group]
    texts = [one.heard or "" for one in group]
    measured = [one.recognise_s for one in group if one.recognise_s is not None]
    return AsrRow(
        language=language,
        speech=speech,
        utterances=len(group),
        failed=sum(one.error is not None for one in group),
        sound_s=sum(one.utterance.duration_s for one in group if one.error is None),
        words=word_errors(references, texts, language=language),
        characters=character_errors(references, texts, language=language),
        wall_s=sum(one.wall_s for one in group if one.error is None),
        recognise_s=sum(measured) if measured else None,
    )


def _hear(utterance: Utterance, transcribe: Transcribe) -> Heard:
    language = None if utterance.language == UNKNOWN else utterance.language
    began = time.perf_counter()
    try:
        heard = transcribe(utterance.path, language)
    except EarmarkError as error:
        return Heard(utterance, None, str(error), time.perf_counter() - began, None)
    return Heard(utterance, heard.text, None, time.perf_counter() - began, heard.recognise_s)


def _utterance(line: str, number: int, manifest: Path) -> Utterance:
    try:
        row = json.loads(line)
        return Utterance(
            path=manifest.parent / row["audio_filepath"],
            duration_s=float(row["duration"]),
            text=str(row["text"]),
            language=str(row.get("language") or UNKNOWN),
            speech=str(row.get("speech") or "unknown"),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{manifest}, line {number}: no utterance ({type(error).__name__}: {error})",
            'a line is {"audio_filepath", "duration", "text", "language"}',
        ) from error
