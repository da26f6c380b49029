"""From a recording's sound to its transcript: heard, recognised clip by clip, put together, kept.

A killed job comes here again, hears the file again (which is quick) and recognises only what is not kept yet.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import delete, func, update
from sqlalchemy.orm import Session

from assistant.courses.sidecars import read_script
from assistant.engine.client import EngineState
from assistant.hearing.heard import HeardFile, HearingProgress, SpeechClip
from assistant.hearing.speech_spans import LONG_CLIPS, WHOLE_SENTENCES, clips_for
from assistant.jobs import store as jobs
from assistant.jobs.job import Job, JobStep
from assistant.recognising.listening_again import filled, gaps
from assistant.recognising.recognizer import ClipOptions
from assistant.recognising.script_alignment import align
from assistant.recognising.subtitles import read_subtitles
from indexer.clip_results import ClipKey, ClipResult, results_of
from indexer.hear import Hearing, hear_only
from indexer.keeping import Progress, keep
from indexer.receive import Source
from indexer.recognise import NothingRecognisedError, Recognising, recogniser_state
from indexer.script_use import FIRST_STRETCH_S, ScriptUse, is_spoken, listening_for, use_of_terms
from indexer.second_listening import hear_again
from indexer.services import Services
from knowledge.recordings.tables import RecordingRow
from knowledge.transcripts.segment import UNDETERMINED, Segment, TimeSource
from knowledge.transcripts.store import save_transcript
from knowledge.transcripts.tables import TranscriptRow

Clips = Iterator[SpeechClip | HearingProgress]
ENOUGH_HEARD = 0.95
"""Less of the speech with words is told: coughs and single sounds are a few per cent of any recording."""
NO_SPEECH = "no speech was found"
NO_WORDS = "speech was found, but no words were recognised"


@dataclass(frozen=True, slots=True)
class Written:
    """What a recording says and who wrote it down. `notes`: what a trainer should know.

    `heard_share`: see Recording.
    """

    segments: tuple[Segment, ...]
    source: str
    file: HeardFile
    notes: tuple[str, ...]
    heard_share: float | None = None


def transcribe(services: Services, job: Job, source: Source) -> None:
    """Keep the recording's transcript as its next revision; the job goes on with cutting it."""
    progress = Progress(services, job)
    progress.say(JobStep.HEARING, 0.0, None)
    if source.sidecars.subtitles is not None:
        written = _from_subtitles(services, source, source.sidecars.subtitles, progress)
    else:
        written = _from_sound(services, job, source, progress)
    keep(services, job, lambda session: _save(session, job, written, services))


def _from_subtitles(services: Services, source: Source, subtitles: Path, progress: Progress) -> Written:
    cues = read_subtitles(subtitles, language=source.language or UNDETERMINED)
    file = hear_only(Hearing(services, source, cutting=LONG_CLIPS), progress)
    inside = cues_inside(cues, file.duration_s)
    notes = ["its subtitles were taken as they are"]
    if len(inside) < len(cues):
        notes.append(f"{len(cues) - len(inside)} of {len(cues)} subtitles lie beyond its end and were left out")
    return Written(tuple(inside), TimeSource.SUBTITLE.value, file, tuple(notes))


def cues_inside(cues: Sequence[Segment], duration_s: float) -> list[Segment]:
    """Subtitles that begin before the recording ends; the last one ends with it at the latest."""
    return [
        cue if cue.end_s <= duration_s else replace(cue, end_s=duration_s) for cue in cues if cue.start_s < duration_s
    ]


def _from_sound(services: Services, job: Job, source: Source, progress: Progress) -> Written:
    state = recogniser_state(services, job)
    hearing = Hearing(services, source, cutting=clips_for(word_times=state.recogniser.gives_word_times))
    with (
        contextlib.closing(hearing.clips()) as clips,
        Recognising(services, job, hearing, progress, state) as recognising,
    ):
        keys, use = _recognise_all(services, job, source, clips, recognising, state)
        recognising.drain()
        results = _kept_results(services, job, keys)
        segments = _segments_of(results)
        if use is not None and use.aligned:
            segments = _aligned(services, job, source, segments, recognising)
    notes = [] if use is None else [use.note]
    notes += what_went_wrong(results, segments)
    share = share_with_words(results) if results else None
    return Written(tuple(segments), state.recogniser.name, hearing.file, tuple(notes), share)


def _recognise_all(
    services: Services, job: Job, source: Source, clips: Clips, recognising: Recognising, state: EngineState
) -> tuple[list[ClipKey], ScriptUse | None]:
    """Send every clip, with what the script is good for once the first stretch showed it."""
    options, use, first = source.options, None, []
    script = _script(source)
    if script is not None:
        first = _first_stretch(clips, recognising)

        def heard_with(told: ClipOptions) -> list[Segment]:
            return _heard(services, job, [recognising.send(clip, told) for clip in first], recognising)

        use = _use_of(script, options, heard_with, mixes_scripts=state.recogniser.gives_word_times)
        options = use.options
    keys = [recognising.send(clip, options) for clip in first]
    for one in clips:
        if isinstance(one, SpeechClip):
            keys.append(recognising.send(one, options))
        else:
            recognising.tell()
    return keys, use


def _use_of(
    script: str, plain: ClipOptions, heard_with: Callable[[ClipOptions], list[Segment]], *, mixes_scripts: bool
) -> ScriptUse:
    """An engine that times words can listen for a script; another one is told its terms at most."""
    if mixes_scripts:
        spoken = listening_for(script, plain)
        if is_spoken(script, heard_with(spoken.options)):
            return spoken
    return use_of_terms(script, heard_with(plain), plain)


def _script(source: Source) -> str | None:
    text = read_script(source.sidecars.script) if source.sidecars.script is not None else ""
    return text if text.strip() else None


def _first_stretch(clips: Clips, recognising: Recognising) -> list[SpeechClip]:
    """The first minute of speech, or all there is."""
    first: list[SpeechClip] = []
    speech_s = 0.0
    for one in clips:
        if not isinstance(one, SpeechClip):
            recognising.tell()
            continue
        first.append(one)
        speech_s += one.end_s - one.start_s
        if speech_s >= FIRST_STRETCH_S:
            break
    return first


def _heard(services: Services, job: Job, keys: Sequence[ClipKey], recognising: Recognising) -> list[Segment]:
    recognising.drain()
    return _segments_of(_kept_results(services, job, keys))


def _kept_results(services: Services, job: Job, keys: Collection[ClipKey]) -> list[ClipResult]:
    with services.database.read() as session:
        return results_of(session, job.recording_id, keys)


def _segments_of(results: Sequence[ClipResult]) -> list[Segment]:
    return [segment for result in results for segment in result.segments]


def _aligned(
    services: Services, job: Job, source: Source, heard: Sequence[Segment], recognising: Recognising
) -> list[Segment]:
    """The script's sentences where they were heard, at once or when listened for again."""
    script = _script(source) or ""
    segments, unheard = align(heard, script), list(gaps(heard, script))
    if unheard:
        hearing = Hearing(services, source, cutting=WHOLE_SENTENCES, playable=False)
        keys = hear_again(unheard, source.options, hearing, recognising)
        for gap, keys_of_gap in zip(unheard, keys, strict=True):
            segments = filled(segments, gap, _segments_of(_kept_results(services, job, keys_of_gap)))
    return segments


def what_went_wrong(results: Sequence[ClipResult], segments: Sequence[Segment]) -> list[str]:
    """Notes on clips without a result. Raises NothingRecognisedError where that is all of them."""
    if not results:
        return [NO_SPEECH]
    errors = [result.error for result in results if result.error is not None]
    if len(errors) == len(results):
        raise NothingRecognisedError(
            f"none of {len(errors)} stretches of speech could be recognised: {errors[0]}",
            "see `earmark doctor`, then try again",
        )
    if errors:
        return [f"{len(errors)} of {len(results)} stretches of speech could not be recognised: {errors[0]}"]
    if not segments:
        return [NO_WORDS]
    share = share_with_words(results)
    return [] if share >= ENOUGH_HEARD else [f"words were found in {share:.0%} of the speech"]


def share_with_words(results: Sequence[ClipResult]) -> float:
    """Of the seconds of speech that were sent, those whose stretch gave any word."""
    lengths = [result.key.end_ms - result.key.start_ms for result in results]
    heard = [any(segment.searchable for segment in result.segments) for result in results]
    return sum(ms for ms, words in zip(lengths, heard, strict=True) if words) / max(1, sum(lengths))


def _save(session: Session, job: Job, written: Written, services: Services) -> None:
    """Transcript, what the file is and the job's step together, in place of what an attempt before left unpublished."""
    _forget_unpublished(session, job.recording_id)
    save_transcript(session, job.recording_id, written.source, written.segments)
    notes = [note for note in (written.file.note, *written.notes) if note]
    playable = written.file.playable
    session.execute(
        update(RecordingRow)
        .where(RecordingRow.id == job.recording_id)
        .values(
            duration_s=written.file.duration_s,
            speech_s=written.file.speech_s,
            heard_share=written.heard_share,
            has_picture=written.file.has_picture,
            playable_path=None if playable is None else str(playable.relative_to(services.home)),
            recogniser=written.source,
            note="; ".join(notes) or None,
        )
    )
    jobs.advance(session, job, JobStep.CUTTING, unit="segments", total=len(written.segments))


def _forget_unpublished(session: Session, recording_id: str) -> None:
    published = func.coalesce(session.get_one(RecordingRow, recording_id).revision, 0)
    session.execute(
        delete(TranscriptRow).where(TranscriptRow.recording_id == recording_id, TranscriptRow.revision > published)
    )
