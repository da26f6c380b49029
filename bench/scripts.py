"""How far a recording's script carries the trial recogniser: words wrong, sentences placed, starts off.

    .venv/bin/python -m bench.scripts ../shared/data/moments
    .venv/bin/python -m bench.scripts ../shared/data/moments --home HOME

For each recording: decoded as it comes, with its own script mixed in, with its terms, with another recording's script;
then aligned with its script, before anything is listened for again. The script is the recording's texts, a line each,
without times. With `--home`: the transcripts of a home where the recordings were indexed.
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.hearing.heard import SpeechClip
from assistant.hearing.listening import hear
from assistant.recognising.pocketsphinx import PocketsphinxRecognizer
from assistant.recognising.recognizer import Clip, ClipOptions
from assistant.recognising.script_alignment import align, match_share
from assistant.recognising.script_text import script_sentences, script_terms
from earmark.bench.error_rates import word_errors
from earmark.build import open_house
from earmark.settings import read_settings
from knowledge.recordings import store as recordings
from knowledge.transcripts.segment import Segment
from knowledge.transcripts.store import segments_of

WAYS = ("nothing", "script", "terms", "another")


@dataclass(frozen=True, slots=True)
class Gold:
    start_s: float
    text: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recording", help="only recordings whose name holds this")
    parser.add_argument("--mixed", nargs="*", choices=WAYS, default=WAYS, help="what is mixed in")
    parser.add_argument("--home", type=Path, help="measure what was indexed there")
    asked = parser.parse_args()
    gold = read_gold(asked.folder / "manifest.jsonl")
    if asked.home:
        measure_home(asked.home, gold)
        return
    scripts = {name: "\n".join(line.text for line in lines) for name, lines in gold.items()}
    recogniser = PocketsphinxRecognizer()
    print("| recording | mixed in | WER heard | aligned | placed | start off median / p90 | match own / other | CPU |")
    print("| --- | --- | ---: | ---: | ---: | --- | --- | ---: |")
    for name in gold:
        if not asked.recording or asked.recording in name:
            other = next(script for key, script in scripts.items() if key != name)
            clips = [item for item in hear(asked.folder / name) if isinstance(item, SpeechClip)]
            for way in asked.mixed:
                measure(recogniser, clips, Path(name).stem, way, gold[name], scripts[name], other)


def read_gold(manifest: Path) -> dict[str, list[Gold]]:
    gold: dict[str, list[Gold]] = {}
    for line in manifest.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        gold.setdefault(row["recording"], []).append(Gold(row["start_s"], row["text"]))
    return gold


def measure(
    recogniser: PocketsphinxRecognizer,
    clips: list[SpeechClip],
    name: str,
    way: str,
    gold: list[Gold],
    script: str,
    other: str,
) -> None:
    began = time.process_time()
    heard = transcribe(recogniser, clips, options_of(way, script, other))
    spent = (time.process_time() - began) / sum(clip.end_s - clip.start_s for clip in clips)
    first_minute = [word for segment in heard for word in segment.words if word.end_s < 60]
    match = f"{match_share(first_minute, script):.2f} / {match_share(first_minute, other):.2f}"
    aligned = rightness(gold, align(heard, script))
    print(f"| {name} | {way} | {wer(gold, heard):.1f} | {aligned} | {match} | {spent:.2f} |")


def measure_home(home: Path, gold: dict[str, list[Gold]]) -> None:
    print("| recording | words wrong | placed | start off median / p90 |")
    print("| --- | ---: | ---: | --- |")
    with open_house(read_settings({"home": home})) as house, house.database.read() as session:
        for found in recordings.list_recordings(session):
            name = next((name for name in gold if Path(name).name == found.name), None)
            if name is not None and found.revision is not None:
                segments = segments_of(session, found.id, found.revision)
                print(f"| {Path(name).stem} | {rightness(gold[name], segments)} |")


def options_of(way: str, script: str, other: str) -> ClipOptions:
    if way == "terms":
        return ClipOptions(hotwords=script_terms(script))
    return ClipOptions(script={"nothing": None, "script": script, "another": other}[way])


def transcribe(recogniser: PocketsphinxRecognizer, clips: list[SpeechClip], options: ClipOptions) -> list[Segment]:
    results = recogniser.recognize([Clip(clip.samples, options) for clip in clips])
    return [
        segment.shifted(clip.start_s)
        for clip, result in zip(clips, results, strict=True)
        for segment in result.segments
    ]


def rightness(gold: Sequence[Gold], segments: Sequence[Segment]) -> str:
    """Words wrong, sentences found as they are written, how far from where they begin."""
    starts = {script_sentences(line.text)[0].text: line.start_s for line in gold}
    placed = [segment for segment in segments if segment.text in starts]
    errors = sorted(abs(segment.start_s - starts[segment.text]) for segment in placed)
    shown = f"{statistics.median(errors):.2f} / {errors[int(0.9 * len(errors))]:.2f}" if errors else "-"
    return f"{wer(gold, segments):.1f} | {len(placed)}/{len(gold)} | {shown}"


def wer(gold: Sequence[Gold], segments: Sequence[Segment]) -> float:
    said = " ".join(line.text for line in gold)
    return 100 * word_errors([said], [" ".join(segment.text for segment in segments)], language="en").rate


if __name__ == "__main__":
    main()
