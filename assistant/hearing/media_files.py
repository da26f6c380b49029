"""Which files are recordings: folders walked without following any link.

Goes by names and kinds of file alone; whether a recording can be heard shows when it is heard.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from assistant.errors import BadMedia
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


@dataclass(frozen=True, slots=True)
class MediaFile:
    """`name`: the base name, or under a folder that was given, the path below it with `/`."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class RefusedMedia:
    """What was given, or met in a folder, but can be no recording."""

    name: str
    error: BadMedia


class FoundMedia(NamedTuple):
    files: list[MediaFile]
    refusals: list[RefusedMedia]


def find_media(paths: Sequence[Path]) -> FoundMedia:
    """Every recording among `paths` and below the folders in it, in order, each once.

    In a folder, hidden files, sidecars and other documents are left out without a word; pipes, links, devices and
    playlists are refused by name. A file that is named itself is always tried.
    """
    files: dict[Path, MediaFile] = {}
    refusals: list[RefusedMedia] = []
    for path in paths:
        found = _below(path) if path.is_dir() else [MediaFile(path, readable_name(path.name))]
        for file in found:
            refusal = _refusal(file)
            if refusal is not None:
                refusals.append(RefusedMedia(file.name, refusal))
            else:
                files.setdefault(file.path.absolute(), file)
        if path.is_dir() and not found:
            refusals.append(RefusedMedia(readable_name(path.name), _nothing_in(path)))
    return FoundMedia(list(files.values()), refusals)


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


def _refusal(file: MediaFile) -> BadMedia | None:
    try:
        os.close(open_regular(file.path, name=file.name))
    except BadMedia as error:
        return error
    return None


def _nothing_in(folder: Path) -> BadMedia:
    return BadMedia(
        f"{shown_name(folder.name)}: no recordings in this folder",
        "put wav, mp3, m4a, flac, ogg, webm or mp4 files in it",
    )
