"""Which files are recordings, and which lie beside one to help: folders walked without following any link.

Goes by names and kinds of file alone; whether a recording can be heard shows when it is heard.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import BadMedia, EarmarkError, NotFound
from assistant.hearing.opening import open_regular, shown_name

SOUND_SUFFIXES = frozenset(
    {".wav", ".w64", ".rf64", ".bwf", ".aif", ".aiff", ".flac", ".mp3", ".mp2", ".ogg", ".oga", ".opus", ".spx"}
    | {".mka", ".m4a", ".m4b", ".aac", ".amr", ".awb", ".wma", ".caf", ".ac3"}
)
PICTURE_SUFFIXES = frozenset(
    {".ogv", ".mkv", ".webm", ".mov", ".qt", ".mp4", ".m4v", ".3gp", ".3g2", ".wmv", ".asf", ".ts", ".m2ts", ".mts"}
)
MEDIA_SUFFIXES = SOUND_SUFFIXES | PICTURE_SUFFIXES
PLAYLIST_SUFFIXES = frozenset({".m3u", ".m3u8", ".pls", ".ffconcat", ".concat", ".sdp", ".mpd", ".asx"})
SUBTITLE_SUFFIXES = (".srt", ".vtt")
SCRIPT_SUFFIXES = (".txt", ".md")


@dataclass(frozen=True, slots=True)
class MediaFile:
    """`name`: the base name, or under a folder that was given, the path below it with `/`."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class FoundMedia:
    """`refusals`: what was given or met but cannot be a recording, by name, with the way out."""

    files: tuple[MediaFile, ...]
    refusals: tuple[tuple[str, EarmarkError], ...]


@dataclass(frozen=True, slots=True)
class Sidecars:
    """`subtitles`: timed text, the transcript itself. `script`: untimed text that helps the recogniser."""

    subtitles: Path | None
    script: Path | None


def find_media(paths: Sequence[Path]) -> FoundMedia:
    """Every recording among `paths` and below the folders in it, in order, each once.

    In a folder, hidden files, sidecars and other documents are left out without a word; pipes, links, devices and
    playlists are refused by name. A file that is named itself is always tried.
    """
    files: dict[Path, MediaFile] = {}
    refusals: list[tuple[str, EarmarkError]] = []
    for path in paths:
        found = _below(path) if path.is_dir() else [MediaFile(path, readable_name(path.name))]
        for file in found:
            refusal = _refusal(file)
            if refusal is not None:
                refusals.append((file.name, refusal))
            else:
                files.setdefault(file.path.absolute(), file)
        if path.is_dir() and not found:
            refusals.append((readable_name(path.name), _nothing_in(path)))
    return FoundMedia(tuple(files.values()), tuple(refusals))


def sidecars_of(path: Path) -> Sidecars:
    """The regular files beside `path` that carry its name: `talk.mp4` has `talk.srt`, `talk.en.vtt`, `talk.mp4.txt`."""
    try:
        beside = sorted(entry.name for entry in os.scandir(path.parent) if entry.is_file(follow_symlinks=False))
    except FileNotFoundError as error:
        raise NotFound(f"{shown_name(path.name)}: its folder is gone") from error
    return Sidecars(
        subtitles=_first_beside(path, beside, SUBTITLE_SUFFIXES), script=_first_beside(path, beside, SCRIPT_SUFFIXES)
    )


def readable_name(name: str) -> str:
    """A name as text: bytes that are no UTF-8 become the replacement character."""
    return os.fsencode(name).decode("utf-8", errors="replace")


def _below(folder: Path) -> list[MediaFile]:
    """What in the folder could be meant as a recording, sorted by name."""
    found = [
        MediaFile(Path(root) / file, readable_name((Path(root) / file).relative_to(folder).as_posix()))
        for root, file in _walk(folder)
    ]
    return sorted(found, key=lambda file: file.name)


def _walk(folder: Path) -> Iterator[tuple[str, str]]:
    for root, folders, files in os.walk(folder, followlinks=False):
        linked = [name for name in folders if (Path(root) / name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in linked]
        for name in [*files, *linked]:
            if not name.startswith(".") and _may_be_meant(Path(root) / name):
                yield root, name


def _may_be_meant(path: Path) -> bool:
    """Media by suffix, and whatever is no regular file: that is worth a word, not silence."""
    try:
        kind = path.lstat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(kind) or path.suffix.lower() in MEDIA_SUFFIXES | PLAYLIST_SUFFIXES


def _refusal(file: MediaFile) -> EarmarkError | None:
    try:
        os.close(open_regular(file.path, name=file.name))
    except BadMedia as error:
        return error
    return None


def _nothing_in(folder: Path) -> EarmarkError:
    return BadMedia(
        f"{shown_name(folder.name)}: no recordings in this folder",
        "put wav, mp3, m4a, flac, ogg, webm or mp4 files in it",
    )


def _first_beside(path: Path, beside: Sequence[str], suffixes: Sequence[str]) -> Path | None:
    """The closest by name: the same stem before one with a language, before one after the whole name."""
    for suffix in suffixes:
        matching = [name for name in beside if name.lower().endswith(suffix) and name != path.name]
        for wanted in (f"{path.stem}{suffix}", f"{path.name}{suffix}"):
            if wanted in matching:
                return path.with_name(wanted)
        for name in matching:
            language = name[len(path.stem) + 1 : -len(suffix)]
            if name.startswith(f"{path.stem}.") and 2 <= len(language) <= 12 and "." not in language:
                return path.with_name(name)
    return None
