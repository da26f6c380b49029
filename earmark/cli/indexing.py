"""`earmark index | recordings | courses | jobs | remove`: what comes in, what is there, what is under way."""

import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.audit.event import COMMAND_LINE
from assistant.courses.hearing_as import hear_course_as
from assistant.courses.receiving import Received, receive
from assistant.courses.removing import remove_recording
from assistant.engine.client import EngineClient, EngineState
from assistant.engine.http_client import HttpEngineClient
from assistant.engine.live import read_live_engine
from assistant.errors import BadInput, EarmarkError, PartDown
from assistant.hearing.listening import MediaFile, find_media
from assistant.jobs import presence
from assistant.jobs import store as jobs
from assistant.jobs.job import Job, JobState
from earmark.build import House, open_engine, open_house, open_index, open_worker
from earmark.cli.console import clock, say, tell, tell_json, tell_table
from earmark.cli.flags import settings_of
from earmark.cli.progress import Watched, watch
from earmark.forgetting import delete_now, keeping_of
from earmark.settings import Settings
from indexer.services import Services
from indexer.worker import run_worker
from knowledge.passages import store as passages
from knowledge.recordings import store as recordings
from knowledge.recordings.recording import Recording, name_key
from knowledge.transcripts import store as transcripts

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
POLL_S = 0.3
CHECKPOINTS_TRIED = 30
LOOKS_FOR_WORKER_EVERY_S = 3.0
NOT_EMBEDDED = (
    "found by words and sounds alone: the embedder is not running; meanings are added by themselves once it is; "
    "`earmark doctor` looks for the cause"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not taken, and why."""

    recording: str
    error: EarmarkError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of every file of one call."""

    indexed: tuple[dict[str, Any], ...]
    skipped: tuple[dict[str, Any], ...]
    failed: tuple[dict[str, Any], ...]

    def as_document(self) -> dict[str, Any]:
        return {"indexed": list(self.indexed), "skipped": list(self.skipped), "failed": list(self.failed)}


def hang(app: typer.Typer) -> None:
    app.command("index")(index)
    app.command("recordings")(list_recordings)
    app.command("courses")(list_courses)
    app.command("jobs")(list_jobs)
    app.command("remove")(remove)


def index(
    context: typer.Context,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH", help="Files and folders; folders are walked.")
    ] = None,
    course: Annotated[str, typer.Option(help="The course they belong to; made where it is not there yet.")] = "General",
    language: Annotated[str | None, typer.Option(help="Spoken language, such as en; detected if absent.")] = None,
    script: Annotated[Path | None, typer.Option(help="Text believed to be said: helps the recogniser.")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make this host's index anew from the database.")] = False,
    compact: Annotated[
        bool, typer.Option("--compact", help="Delete now what is due; removed words leave the disk.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Write down recordings and make them findable. What is there already is skipped.

    \b
    earmark index talks/ --course "Workplace safety"
    earmark index talk.mp4 --script talk.txt
    """
    if not paths and not (rebuild or compact):
        raise BadInput("nothing to index", "name files or folders: earmark index talks/ --course NAME")
    if not all(paths or []):  # an unset variable of a script, which as a path would be the folder one stands in
        raise BadInput("a path is empty", "name files or folders")
    settings = settings_of(context)
    with open_house(settings) as house:
        given = [Path(each) for each in paths or []]
        outcome = index_paths(house, given, course=course, language=language, script=script, quiet=as_json)
        if compact:
            _delete_now(house)
        if rebuild or compact:
            with open_index(house) as follower:
                follower.rebuild() if rebuild else follower.compact()
            say("the index was made anew" if rebuild else "the index was merged")
        if compact:
            _leave_no_trace(house)
    if as_json:
        tell_json(outcome.as_document())
    elif paths:
        _tell_outcome(outcome)
    if not outcome.failed:
        return 0
    return 2 if not outcome.indexed and not outcome.skipped and len(outcome.failed) == 1 else 1


def _delete_now(house: House) -> None:
    settings = house.settings
    left = delete_now(house.database, settings.home, keeping_of(settings), beside=settings.deletions_beside)
    if left:
        say(f"{left} removed recordings are still being let go of by a worker: compact again in a minute")


def _leave_no_trace(house: House) -> None:
    """In the database's own files; the index has been merged before."""
    if not house.database.is_sqlite:
        say("PostgreSQL keeps deleted rows until it vacuums; `VACUUM FULL` in psql takes them out of its files now")
        return
    house.database.rewrite()
    for _ in range(CHECKPOINTS_TRIED):
        if house.database.forget_deleted():
            say("the database was written anew")
            return
        time.sleep(POLL_S)
    say("the database was written anew; its log is still being read and is emptied within the hour")


def index_paths(
    house: House,
    paths: Sequence[Path],
    *,
    course: str,
    language: str | None = None,
    script: Path | None = None,
    engine: EngineClient | None = None,
    quiet: bool = False,
) -> Outcome:
    """Take files in, and wait until each is findable or has failed. Without a live worker this call works itself."""
    found = find_media(paths)
    refused = [Refused(refusal.name, refusal.error) for refusal in found.refusals]
    taken: list[tuple[MediaFile, Received]] = []
    for file in found.files:
        try:
            taken.append((file, _receive(house, file, course=course, language=language, script=script)))
        except EarmarkError as error:
            refused.append(Refused(file.name, error))
    waiting = [Watched(received.job_id, file.name) for file, received in taken if received.job_id]
    with _OwnWorker(house, engine) as worker:
        over = watch(house.database, waiting, poll_s=POLL_S, quiet=quiet, meanwhile=worker.where_none_lives)
    return _outcome(house, taken, over, refused)


def _receive(house: House, file: MediaFile, *, course: str, language: str | None, script: Path | None) -> Received:
    return receive(
        house.database,
        house.settings.home,
        file.path,
        name=file.name,
        course=course,
        language=language,
        script=script,
        least_free_mb=house.settings.least_free_mb,
        actor=COMMAND_LINE,
    )


class _OwnWorker:
    """Where no worker lives, or the one that did is gone, this call is one until its jobs are over."""

    def __init__(self, house: House, engine: EngineClient | None) -> None:
        self._house, self._engine = house, engine
        self._opened = contextlib.ExitStack()
        self._stop = threading.Event()
        self._services: Services | None = None
        self._thread: threading.Thread | None = None
        self._looked_at = float("-inf")

    def __enter__(self) -> "_OwnWorker":
        return self

    def __exit__(self, *_: object) -> None:
        with self._opened:
            self._stop.set()
            if self._thread is not None:
                self._thread.join()

    def where_none_lives(self) -> None:
        """Called again and again while somebody waits."""
        if time.monotonic() - self._looked_at < LOOKS_FOR_WORKER_EVERY_S:
            return
        self._looked_at = time.monotonic()
        if self._thread is not None and self._thread.is_alive():
            return
        with self._house.database.read() as session:
            if presence.workers_alive(session):
                return
        if self._services is None:
            engine = self._engine or self._opened.enter_context(open_engine(self._house.settings))
            self._services = self._opened.enter_context(open_worker(self._house, engine))
        self._thread = threading.Thread(
            target=run_worker, args=(self._services,), kwargs={"stop": self._stop}, name="worker"
        )
        self._thread.start()


def _outcome(
    house: House, taken: Sequence[tuple[MediaFile, Received]], over: dict[str, Job], refused: Sequence[Refused]
) -> Outcome:
    indexed: list[dict[str, Any]] = []
    skipped: list[dict[str, Any]] = []
    failed = [{"recording": each.recording, "error": str(each.error)} for each in refused]
    for file, received in taken:
        job = over[received.job_id] if received.job_id else None
        if job is not None and job.state is not JobState.DONE:
            failed.append({"recording": file.name, "error": _job_error(job)})
        elif received.skipped_reason is not None:
            skipped.append(
                {"recording": file.name, "recording_id": received.recording_id, "reason": received.skipped_reason}
            )
        else:
            indexed.append(indexed_document(house, received.recording_id))
    return Outcome(tuple(indexed), tuple(skipped), tuple(failed))


def _job_error(job: Job) -> str:
    if job.error is None:
        return job.state.value
    return f"{job.error.detail}; {job.error.way_out}" if job.error.way_out else job.error.detail


def indexed_document(house: House, recording_id: str) -> dict[str, Any]:
    """What became of one recording; its note says, too, where meanings cannot be compared yet."""
    with house.database.read() as session:
        recording = recordings.recording(session, recording_id)
        if recording is None or recording.revision is None:
            return {"recording_id": recording_id, "reason": "removed meanwhile"}
        count = passages.count_passages(session, recording.id, recording.revision)
        lacks = passages.count_embedded(session, recording.id, recording.revision) < count
        return {
            "recording": recording.name,
            "recording_id": recording.id,
            "duration_s": round(recording.duration_s or 0.0, 3),
            "segments": transcripts.count_segments(session, recording.id, recording.revision),
            "passages": count,
            "note": "; ".join(filter(None, (recording.note, NOT_EMBEDDED if lacks else None))) or None,
        }


def _tell_outcome(outcome: Outcome) -> None:
    for one in outcome.indexed:
        note = f"  ({one['note']})" if one.get("note") else ""
        tell(f"findable  {one['recording']}  {clock(one['duration_s'])}, {one['passages']} passages{note}")
    for one in outcome.skipped:
        tell(f"skipped   {one['recording']}  {one['reason']}")
    for one in outcome.failed:
        tell(
            f"failed    {one['error']}"
            if one["recording"] in one["error"]
            else f"failed    {one['recording']}: {one['error']}"
        )


def list_recordings(context: typer.Context, as_json: AsJson = False) -> None:
    """List the recordings: what state they are in, how long, in which course."""
    with open_house(settings_of(context)) as house, house.database.read() as session:
        names = {course.id: course.name for course in recordings.list_courses(session)}
        documents = [_recording_document(each, names) for each in recordings.list_recordings(session)]
    if as_json:
        tell_json({"items": documents, "next": None})
        return
    tell_table(
        ("recording", "course", "length", "state", "id", "note"),
        (
            (d["recording"], d["course"], clock(d["duration_s"] or 0), d["state"], d["recording_id"], d["note"] or "")
            for d in documents
        ),
    )


def _recording_document(recording: Recording, courses: dict[str, str]) -> dict[str, Any]:
    return {
        "recording": recording.name,
        "recording_id": recording.id,
        "title": recording.title,
        "course": courses[recording.course_id],
        "state": recording.state.value,
        "language": recording.language,
        "duration_s": recording.duration_s,
        "speech_s": recording.speech_s,
        "heard_share": recording.heard_share,
        "recogniser": recording.recogniser,
        "note": recording.note,
        "created_at": recording.created_at.isoformat(),
    }


def list_courses(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A course whose hearing is to be set.")] = None,
    language: Annotated[
        str | None, typer.Option(help="What is spoken in it, such as en or zh; `any` to find out each time.")
    ] = None,
    itn: Annotated[bool | None, typer.Option("--itn/--no-itn", help="Write numbers as figures, or as spoken.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the courses and how many recordings each has; with a name, say how that one is heard from now on.

    earmark courses "Workplace safety" --language zh
    """
    settings = settings_of(context)
    if name is not None:
        _hear_as(settings, name, language=language, itn=itn)
    elif language is not None or itn is not None:
        raise BadInput("no course is named", 'name one: earmark courses "Workplace safety" --language zh')
    with open_house(settings) as house, house.database.read() as session:
        counts: dict[str, int] = {}
        for recording in recordings.list_recordings(session):
            counts[recording.course_id] = counts.get(recording.course_id, 0) + 1
        documents = [
            {
                "course": course.name,
                "course_id": course.id,
                "recordings": counts.get(course.id, 0),
                "language": course.language,
                "itn": course.itn,
            }
            for course in recordings.list_courses(session)
            if name is None or name_key(name) == name_key(course.name)
        ]
    if as_json:
        tell_json({"items": documents, "next": None})
        return
    tell_table(
        ("course", "recordings", "language", "id"),
        ((str(d["course"]), str(d["recordings"]), str(d["language"] or "any"), str(d["course_id"])) for d in documents),
    )


def _hear_as(settings: Settings, name: str, *, language: str | None, itn: bool | None) -> None:
    with open_house(settings) as house:
        with house.database.read() as session:
            course = recordings.course_by_name(session, name)
        if course is None:
            raise BadInput(f"there is no course {name}", "earmark courses lists them")
        if language is None and itn is None:
            return
        told = course.language if language is None else (None if language == "any" else language)
        hear_course_as(
            house.database,
            partial(_live_state, settings),
            course.id,
            language=told,
            itn=course.itn if itn is None else itn,
        )


def _live_state(settings: Settings) -> EngineState:
    """Of an engine that runs; none is started to set a course."""
    url, key = settings.engine_url, settings.engine_key or ""
    if url is None:
        live = read_live_engine(settings.home)
        if live is None:
            raise PartDown("no engine runs")
        url, key = live.url, live.key
    with HttpEngineClient(url, key) as client:
        return client.state()


def list_jobs(context: typer.Context, as_json: AsJson = False) -> None:
    """List the newest jobs: how far they are, or why they failed."""
    with open_house(settings_of(context)) as house, house.database.read() as session:
        page = jobs.list_jobs(session)
        names = {each.id: each.name for each in recordings.list_recordings(session)}
    if as_json:
        tell_json({"items": [job_document(job) for job in page.items], "next": page.next})
        return
    tell_table(
        ("recording", "state", "step", "done", "error", "id"),
        (
            (
                names.get(job.recording_id, "(removed)"),
                job.state.value,
                job.step.value,
                f"{job.done:.0f} of {job.total:.0f} {job.unit}" if job.total else "",
                _job_error(job) if job.error else "",
                job.id,
            )
            for job in page.items
        ),
    )


def job_document(job: Job) -> dict[str, Any]:
    """A job as the API shows it."""
    error = job.error and {"type": job.error.type, "detail": job.error.detail, "way_out": job.error.way_out}
    return {
        "id": job.id,
        "kind": job.kind.value,
        "recording_id": job.recording_id,
        "state": job.state.value,
        "step": job.step.value,
        "done": round(job.done, 3),
        "total": job.total,
        "unit": job.unit,
        "error": error,
        "attempts": job.attempts,
        "created_at": job.created_at.isoformat(),
        "eta_s": job.eta_s,
    }


def remove(
    context: typer.Context, recording_id: Annotated[str, typer.Argument(help="Its id, as `earmark recordings` shows.")]
) -> None:
    """Remove a recording: it is gone from the next question on, and its files follow."""
    with open_house(settings_of(context)) as house:
        remove_recording(house.database, recording_id, actor=COMMAND_LINE)
    say(f"removed {recording_id}")
