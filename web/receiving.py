"""Uploaded files to recordings: which file is the sound, which lie beside it, and into which course they go."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from assistant.access.caller import Caller
from assistant.access.course_rights import course_to_fill
from assistant.courses.naming import GENERAL, uploaded_name
from assistant.courses.receiving import Received, receive
from assistant.courses.sidecars import SCRIPT_SUFFIXES, SUBTITLE_SUFFIXES, Sidecars, is_beside
from assistant.errors import BadInput, DiskFull
from web.services import WebServices
from web.uploads import UploadedFile, UploadedForm


@dataclass(frozen=True, slots=True)
class UploadedRecording:
    media: UploadedFile
    subtitles: UploadedFile | None
    script: UploadedFile | None


def check_free_disk(services: WebServices, *, coming_bytes: int = 0) -> None:
    """Before a byte of an upload is taken: it lies here twice until it is received. Raises DiskFull."""
    free = shutil.disk_usage(services.home).free
    if free - 2 * coming_bytes < services.least_free_bytes:
        raise DiskFull(
            f"only {free / 1e9:.1f} GB of disk are free, so nothing more is taken in",
            "free some disk on the server; questions go on meanwhile",
        )


def grouped(files: Sequence[UploadedFile]) -> list[UploadedRecording]:
    """Each recording with the subtitles and the script of its name; a lone recording takes whatever is beside it.

    Raises BadInput where there is no recording, or a text belongs to none.
    """
    media = [file for file in files if _suffix(file) not in (*SUBTITLE_SUFFIXES, *SCRIPT_SUFFIXES)]
    beside = [file for file in files if file not in media]
    if not media:
        raise BadInput("no recording was chosen", "choose a sound or video file; texts go beside one")
    groups = [_with_its_texts(one, beside, alone=len(media) == 1) for one in media]
    used = {id(file) for group in groups for file in (group.subtitles, group.script) if file is not None}
    for file in beside:
        if id(file) not in used:
            raise BadInput(
                f"{uploaded_name(file.filename)}: it is not clear which recording this belongs to",
                "give it the name of its recording, or send the two alone",
            )
    return groups


def receive_all(services: WebServices, caller: Caller, form: UploadedForm) -> list[Received]:
    """Take in every recording of a form. Raises what `receive` raises, Forbidden where the caller may not bring
    anything into that course."""
    check_free_disk(services)
    groups = grouped(form.files)
    name = form.fields.get("course", "").strip() or GENERAL
    with services.database.write() as session:
        course = course_to_fill(session, caller, name)
    return [
        receive(
            services.database,
            services.home,
            _path(group.media),
            name=uploaded_name(group.media.filename),
            course_id=course.id,
            language=form.fields.get("language", "").strip() or None,
            sidecars=_sidecars(group),
            least_free_mb=services.least_free_bytes / 1e6,
            actor=caller.actor,
        )
        for group in groups
    ]


def _with_its_texts(media: UploadedFile, beside: Sequence[UploadedFile], *, alone: bool) -> UploadedRecording:
    name = uploaded_name(media.filename)
    own = [file for file in beside if alone or is_beside(uploaded_name(file.filename), name)]
    return UploadedRecording(media, _first(own, SUBTITLE_SUFFIXES), _first(own, SCRIPT_SUFFIXES))


def _first(files: Sequence[UploadedFile], suffixes: Sequence[str]) -> UploadedFile | None:
    return next((file for file in files if _suffix(file) in suffixes), None)


def _suffix(file: UploadedFile) -> str:
    return PurePosixPath(uploaded_name(file.filename)).suffix.lower()


def _sidecars(group: UploadedRecording) -> Sidecars:
    """Subtitles keep their suffix, which says how they are read; the rest of the name is ours."""
    subtitles = script = None
    names = {}
    if group.subtitles is not None:
        path = _path(group.subtitles)
        subtitles = path.rename(path.with_suffix(_suffix(group.subtitles)))
        names[subtitles] = uploaded_name(group.subtitles.filename)
    if group.script is not None:
        script = _path(group.script)
        names[script] = uploaded_name(group.script.filename)
    return Sidecars(subtitles=subtitles, script=script, names=names)


def _path(file: UploadedFile) -> Path:
    assert file.path is not None
    return file.path
