"""A recording's way from file to findable, over real sound with an engine that says what it was told to."""

import os
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.courses.removing import remove_recording
from assistant.courses.sidecars import Sidecars
from assistant.errors import BadInput, RecognizerDown, UnknownLanguage
from assistant.jobs import store as jobs
from assistant.jobs.job import JobState, JobStep
from assistant.recognising.recognizer import Clip, Recognised
from indexer.forgetting import purge_removed
from indexer.services import Services
from indexer.worker import run_worker
from knowledge.database import Database
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingState
from knowledge.transcripts.segment import Segment, TimeSource, Word
from tests.indexer.indexing import Counted, counted, found_in, index, job_of, recording_of, said_in
from tests.indexer.scripted_engine import ScriptedEngine, scripted
from tests.indexer.talks import spoken_questions, write_wav


def test_a_talk_becomes_findable_passages(services: Services, engine: ScriptedEngine, talk: Path) -> None:
    recording = index(services, talk)

    assert recording.state is RecordingState.READY, job_of(services.database, recording.id).error
    assert (recording.revision, recording.recogniser, recording.note) == (1, "scripted", None)
    assert 50 < (recording.duration_s or 0) < 70
    assert 20 < (recording.speech_s or 0) < (recording.duration_s or 0)
    assert recording.heard_share == 1.0
    assert (services.home / (recording.playable_path or "")).is_file()
    segments, passages = said_in(services.database, recording), found_in(services.database, recording)
    assert len(segments) == len(engine.asked) > 5
    assert [segment.start_s for segment in segments] == sorted(segment.start_s for segment in segments)
    assert passages[0].text.startswith(segments[0].text)
    rows = counted(services.database)
    assert (rows.vectors, rows.changes, rows.clip_results) == (len(passages), 1, 0)


def test_its_job_is_done_and_says_so(services: Services, talk: Path) -> None:
    recording = index(services, talk)

    job = job_of(services.database, recording.id)
    assert (job.state, job.step, job.attempts, job.error) == (JobState.DONE, JobStep.FINISHED, 1, None)
    assert (job.done, job.total, job.unit) == (1, 1, "recordings")


def test_clips_are_recognised_a_few_at_once(services: Services, engine: ScriptedEngine, talk: Path) -> None:
    engine.clip_s = 0.3

    index(services, talk)

    assert engine.most_at_once == engine.children + 1


def test_an_engine_without_word_times_gets_short_clips(
    services: Services, engine: ScriptedEngine, tmp_path: Path
) -> None:
    engine.gives_word_times = False
    spoken = [part for part in spoken_questions() for part in (part, np.zeros(6000, np.int16))]

    recording = index(services, write_wav(tmp_path / "dense.wav", np.concatenate(spoken)))

    lengths = [segment.end_s - segment.start_s for segment in said_in(services.database, recording)]
    assert max(lengths) < 16


def test_subtitles_become_the_transcript_and_nobody_is_asked(
    services: Services, engine: ScriptedEngine, talk: Path, tmp_path: Path
) -> None:
    engine.down = RecognizerDown("not needed")
    subtitles = tmp_path / "talk.srt"
    subtitles.write_text(
        "1\n00:00:02,000 --> 00:00:05,500\nWhere is the fire exit?\n\n"
        "2\n00:00:08,000 --> 00:00:11,000\nBehind the kitchen.\n\n"
        "3\n01:00:00,000 --> 01:00:02,000\nSubscribe now!\n"
    )

    recording = index(services, talk, sidecars=Sidecars(subtitles=subtitles))

    segments = said_in(services.database, recording)
    assert [(each.start_s, each.end_s, each.text) for each in segments] == [
        (2.0, 5.5, "Where is the fire exit?"),
        (8.0, 11.0, "Behind the kitchen."),
    ]
    assert {each.time_source for each in segments} == {TimeSource.SUBTITLE}
    assert "1 of 3 subtitles lie beyond its end" in (recording.note or "")
    assert recording.playable_path
    assert recording.speech_s


def test_broken_subtitles_fail_the_job_with_the_way_out(services: Services, talk: Path, tmp_path: Path) -> None:
    subtitles = tmp_path / "talk.srt"
    subtitles.write_text("1\n00:00:05,000 --> 00:00:02,000\nbackwards\n")

    recording = index(services, talk, sidecars=Sidecars(subtitles=subtitles))

    assert recording.state is RecordingState.FAILED
    error = job_of(services.database, recording.id).error
    assert error is not None
    assert error.type == "bad-input"
    assert error.way_out


def test_a_script_that_is_what_is_said_is_listened_for_and_its_spelling_wins(
    services: Services, engine: ScriptedEngine, talk: Path, tmp_path: Path
) -> None:
    plain = said_in(services.database, index(services, talk))
    script = tmp_path / "talk.txt"
    script.write_text("\n".join(segment.text.capitalize() + "!" for segment in plain))
    engine.asked.clear()

    recording = index(services, renamed(talk, tmp_path), sidecars=Sidecars(script=script))

    texts = [segment.text for segment in said_in(services.database, recording)]
    assert [text for text in texts if text.endswith("!")] == texts
    assert recording.note == "the script is what is said: its spelling is used"
    assert [options.script is not None for options in engine.asked] == [True] * len(plain)


def test_what_was_misheard_between_sentences_of_the_script_is_listened_for_again(
    services: Services, engine: ScriptedEngine, talk: Path, tmp_path: Path
) -> None:
    plain = said_in(services.database, index(services, talk))
    sentences = [segment.text.capitalize() + "!" for segment in plain]
    script = tmp_path / "talk.txt"
    script.write_text("\n".join(sentences))
    missed = max(range(1, len(plain) - 1), key=lambda at: plain[at].end_s - plain[at].start_s)
    engine.script = hard_of_hearing(plain[missed].text)
    engine.asked.clear()

    recording = index(services, renamed(talk, tmp_path), sidecars=Sidecars(script=script))

    segments = said_in(services.database, recording)
    assert [segment.text for segment in segments] == sentences
    assert [options.script for options in engine.asked if options.script != script.read_text()] == [sentences[missed]]
    assert plain[missed].start_s - 0.2 <= segments[missed].start_s < segments[missed].end_s
    assert recording.playable_path


def hard_of_hearing(missed: str) -> Callable[[Clip], Recognised]:
    """Mishears the one clip that says this, unless it is listening for nothing else."""

    def heard(clip: Clip) -> Recognised:
        as_ever = scripted(clip)
        if (clip.options.script or "").lower().rstrip("!") == missed:
            text = missed
        elif as_ever.segments[0].text == missed:
            text = " ".join("mumble" for _ in missed.split())
        else:
            return as_ever
        step_s = clip.duration_s / len(text.split())
        words = tuple(Word(at * step_s, (at + 1) * step_s, word) for at, word in enumerate(text.split()))
        return Recognised((Segment(0.0, clip.duration_s, text, "en", TimeSource.RECOGNISER, words),))

    return heard


def test_a_text_about_it_gives_its_terms(
    services: Services, engine: ScriptedEngine, talk: Path, tmp_path: Path
) -> None:
    plain = said_in(services.database, index(services, talk))
    heard = {word for segment in plain for word in segment.text.split()}
    script = tmp_path / "slides.txt"
    script.write_text("\n".join(f"- {word} and nothing else but what they called it then" for word in heard))

    recording = index(services, renamed(talk, tmp_path), sidecars=Sidecars(script=script))

    assert "of its terms helped" in (recording.note or "")
    assert engine.asked[-1].hotwords
    assert engine.asked[-1].script is None


def test_a_text_about_something_else_is_left_alone(
    services: Services, engine: ScriptedEngine, talk: Path, tmp_path: Path
) -> None:
    script = tmp_path / "poem.txt"
    script.write_text("Shall I compare thee to a summer's day? Thou art more lovely and more temperate.")

    recording = index(services, talk, sidecars=Sidecars(script=script))

    assert recording.note == "the script is not what is said, nor about it: it was left alone"
    clips = len(said_in(services.database, recording))
    assert [(options.script, options.hotwords) for options in engine.asked[clips:]] == [(None, ())] * clips


def test_an_engine_that_mixes_no_script_gets_its_terms(
    services: Services, engine: ScriptedEngine, talk: Path, tmp_path: Path
) -> None:
    engine.gives_word_times = False
    plain = said_in(services.database, index(services, talk))
    script = tmp_path / "talk.txt"
    script.write_text("\n".join(segment.text for segment in plain))

    index(services, renamed(talk, tmp_path), sidecars=Sidecars(script=script))

    assert {options.script for options in engine.asked} == {None}
    assert engine.asked[-1].hotwords


def test_silence_is_no_speech_and_never_a_word(services: Services, engine: ScriptedEngine, tmp_path: Path) -> None:
    silence = write_wav(tmp_path / "silence.wav", np.zeros(16_000 * 20, np.int16))

    recording = index(services, silence)

    assert (recording.state, recording.note) == (RecordingState.READY, "no speech was found")
    assert engine.asked == []
    assert counted(services.database).segments == 0


def test_speech_without_words_says_so(services: Services, engine: ScriptedEngine, talk: Path) -> None:
    engine.script = lambda clip: Recognised()

    recording = index(services, talk)

    assert recording.state is RecordingState.READY
    assert "no words were recognised" in (recording.note or "")


def test_doubtful_words_are_marked_and_found_and_invented_ones_never_found(
    services: Services, engine: ScriptedEngine, talk: Path
) -> None:
    said = iter(range(100))

    def script(clip: Clip) -> Recognised:
        number = next(said)
        if number == 0:
            return replace(scripted(clip), hard_to_hear="mumbled")
        if number == 1:
            text = "thank you for watching " * 12
            return Recognised((Segment(0.0, clip.duration_s, text, "en", TimeSource.VAD),))
        return replace(scripted(clip), truncated=number == 2)

    engine.script = script

    recording = index(services, talk)

    marked = [segment for segment in said_in(services.database, recording) if segment.hard_to_hear]
    found = " ".join(passage.text for passage in found_in(services.database, recording))
    assert [segment.invented for segment in marked] == [False, True, False]
    assert "thank you for watching" not in found
    assert all(segment.text in found for segment in marked if not segment.invented)


def test_speech_without_words_beside_speech_with_them_is_told_by_its_share(
    services: Services, engine: ScriptedEngine, talk: Path
) -> None:
    plain = said_in(services.database, index(services, talk))
    longest = max(plain, key=lambda segment: segment.end_s - segment.start_s)
    engine.script = lambda clip: Recognised() if scripted(clip).segments[0].text == longest.text else scripted(clip)

    recording = index(services, renamed(talk, talk.parent))

    spoken = sum(segment.end_s - segment.start_s for segment in plain)
    share = 1 - (longest.end_s - longest.start_s) / spoken
    assert recording.note == f"words were found in {share:.0%} of the speech"


def test_one_bad_clip_leaves_the_others_and_is_told(services: Services, engine: ScriptedEngine, talk: Path) -> None:
    said = iter(range(100))
    engine.script = lambda clip: Recognised(error="too odd") if next(said) == 0 else scripted(clip)

    recording = index(services, talk)

    assert recording.state is RecordingState.READY
    assert recording.note == "1 of 10 stretches of speech could not be recognised: too odd"
    assert len(said_in(services.database, recording)) == 9


def test_where_every_clip_fails_the_job_does(services: Services, engine: ScriptedEngine, talk: Path) -> None:
    engine.script = lambda clip: Recognised(error="no such model")

    recording = index(services, talk)

    job = job_of(services.database, recording.id)
    assert (recording.state, job.state, job.attempts) == (RecordingState.FAILED, JobState.FAILED, 1)
    assert job.error is not None
    assert "no such model" in job.error.detail


def test_a_recording_is_heard_as_its_course_says_unless_it_says_otherwise(
    services: Services, engine: ScriptedEngine, talk: Path, tmp_path: Path
) -> None:
    with services.database.write() as session:
        course = recordings.course_by_name(session, "Talks", create=True)
        recordings.hear_course_as(session, course.id, language="zh", itn=False)

    index(services, talk)
    assert {(options.language, options.itn) for options in engine.asked} == {("zh", False)}

    engine.asked.clear()
    index(services, renamed(talk, tmp_path), language="en")
    assert {options.language for options in engine.asked} == {"en"}


def test_a_refused_clip_is_one_bad_clip_and_an_unknown_language_ends_the_job(
    services: Services, engine: ScriptedEngine, talk: Path, tmp_path: Path
) -> None:
    said = iter(range(100))

    def refuse_one(clip: Clip) -> Recognised:
        if next(said) == 0:
            raise BadInput("longer than 30 s")
        return scripted(clip)

    def refuse_language(clip: Clip) -> Recognised:
        raise UnknownLanguage("zh is not heard here", "use another recogniser")

    engine.script = refuse_one
    assert "longer than 30 s" in (index(services, talk).note or "")
    engine.script = refuse_language

    failed = index(services, renamed(talk, tmp_path))

    error = job_of(services.database, failed.id).error
    assert error is not None
    assert error.type == "unknown-language"


@pytest.mark.parametrize("content", [b"this is no sound" * 100, os.urandom(20_000), b"#EXTM3U\nfile:///etc/passwd\n"])
def test_what_is_no_recording_fails_by_its_own_name(services: Services, tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "minutes.mp3"
    bad.write_bytes(content)

    recording = index(services, bad)

    job = job_of(services.database, recording.id)
    assert (recording.state, job.attempts) == (RecordingState.FAILED, 1)
    assert job.error is not None
    assert job.error.type == "bad-media"
    assert "minutes.mp3" in job.error.detail
    assert counted(services.database) == Counted(0, 0, 0, 0, 0, 0)


def test_a_failed_job_tried_anew_recognises_only_what_is_missing(
    services: Services, engine: ScriptedEngine, talk: Path
) -> None:
    said = iter(range(100))

    def stops_at_six(clip: Clip) -> Recognised:
        if next(said) >= 6:
            raise UnknownLanguage("no")
        return scripted(clip)

    engine.script = stops_at_six
    failed = index(services, talk)
    engine.script = scripted
    engine.asked.clear()
    with services.database.write() as session:
        jobs.retry(session, job_of(services.database, failed.id).id)

    run_worker(services, once=True)

    assert recording_of(services.database, failed.id).state is RecordingState.READY
    assert len(engine.asked) < 10
    assert counted(services.database).transcripts == 1


def renamed(talk: Path, folder: Path) -> Path:
    """Another recording with the same speech: a sample is added, so that its content is its own."""
    with wave.open(str(talk), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return write_wav(folder / "again.wav", np.append(samples, np.int16(0)))


def test_the_same_way_leads_through_every_database(
    databases: Database, services: Services, talk: Path, tmp_path: Path
) -> None:
    there = replace(services, database=databases)

    recording = index(there, talk)

    assert recording.state is RecordingState.READY
    assert counted(databases) == Counted(1, 10, 2, 2, 1, 0)
    remove_recording(databases, recording.id)
    purge_removed(there.database, there.home)
    assert counted(databases) == Counted(0, 0, 0, 0, 2, 0)
