"""What a trainer may lay beside a recording: timed subtitles, or the text that was (or may have been) read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from assistant.errors import BadInput

SUBTITLE_SUFFIXES = (".srt", ".vtt")
SCRIPT_SUFFIXES = (".txt", ".md")
LARGEST_SCRIPT_BYTES = 1_000_000
"""What the engine takes."""
LARGEST_SUBTITLES_BYTES = 20_000_000
"""A day of speech has about 3 MB of subtitles."""
_LANGUAGE_LENGTHS = range(2, 13)
"""`en` to `zh-Hant-HK`, between a recording's name and the suffix of its subtitles."""


@dataclass(frozen=True, slots=True)
class Sidecars:
    """`subtitles`: timed text, the transcript itself. `script`: untimed text that helps the recogniser.

    `names`: what messages call a file whose path is not the name that a person gave it.
    """

    subtitles: Path | None = None
    script: Path | None = None
    names: Mapping[Path, str] = field(default_factory=dict)

    def shown(self, path: Path) -> str:
        return self.names.get(path, path.name)


def sidecars_beside(path: Path) -> Sidecars:
    """The regular files that carry the recording's name: `talk.mp4` has `talk.srt`, `talk.mp4.txt`, `talk.en.vtt`."""
    beside = sorted(each.name for each in path.parent.iterdir() if each.is_file() and not each.is_symlink())
    return Sidecars(subtitles=_closest(path, beside, SUBTITLE_SUFFIXES), script=_closest(path, beside, SCRIPT_SUFFIXES))


def is_beside(name: str, recording: str) -> bool:
    """Whether a text called `name` is one of this recording's, however the two are capitalised."""
    stem, path = PurePath(name.casefold()).stem, PurePath(recording.casefold())
    return stem in (path.stem, path.name) or _with_language(path, stem)


def kept_sidecars(folder: Path) -> Sidecars:
    """The sidecars in a recording's own folder, where receiving put them."""
    found = (folder / f"subtitles{suffix}" for suffix in SUBTITLE_SUFFIXES)
    script = folder / "script.txt"
    return Sidecars(
        subtitles=next((path for path in found if path.is_file()), None),
        script=script if script.is_file() else None,
    )


def named_for_keeping(sidecars: Sidecars) -> Iterator[tuple[Path, str, int]]:
    """Each sidecar, what it is called in a recording's own folder, and how many bytes it may have."""
    if sidecars.subtitles is not None:
        yield sidecars.subtitles, f"subtitles{sidecars.subtitles.suffix.lower()}", LARGEST_SUBTITLES_BYTES
    if sidecars.script is not None:
        yield sidecars.script, "script.txt", LARGEST_SCRIPT_BYTES


def read_script(path: Path, *, name: str | None = None) -> str:
    """The text of a script, called `name` in messages. Raises BadInput where it is no text."""
    shown, content = name or path.name, path.read_bytes()
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput(f"{shown}: not a text in UTF-8", "save it as UTF-8 text") from error
    if "\x00" in text:
        raise BadInput(f"{shown}: holds binary data", "save it as UTF-8 text")
    return text


def _closest(path: Path, beside: list[str], suffixes: tuple[str, ...]) -> Path | None:
    """The same stem goes before the whole name, that before a stem with a language; earlier suffixes go first."""
    for suffix in suffixes:
        matching = [name for name in beside if name.lower().endswith(suffix) and name != path.name]
        called = {name[: -len(suffix)]: name for name in reversed(matching)}
        for wanted in (path.stem, path.name, *sorted(stem for stem in called if _with_language(path, stem))):
            if wanted in called:
                return path.with_name(called[wanted])
    return None


def _with_language(path: PurePath, stem: str) -> bool:
    language = stem.removeprefix(f"{path.stem}.")
    return language != stem and len(language) in _LANGUAGE_LENGTHS and language.replace("-", "").isalnum()
