"""Opening a media file so that nothing written inside it is ever followed.

Only regular files are opened, never through a link; the decoder gets the open descriptor and no protocol but that
one, so that a playlist, a concat script or a reference to another file has no way to be read. Containers come from
an allow-list and are told apart by what is in them, never by the file's name. Knows nothing of decoding.
"""

import errno
import os
import stat
from collections.abc import Generator
from pathlib import Path

import av
import av.container
import av.error

from assistant.errors import BadMedia
from assistant.hearing.ogg_links import find_links

CONTAINERS = "wav,w64,aiff,flac,mp3,ogg,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,aac,amr,amrnb,amrwb,asf,caf,mpegts,ac3"
SOUND_CODECS = frozenset(
    """
    aac aac_latm ac3 adpcm_g722 adpcm_g726 adpcm_ima_qt adpcm_ima_wav adpcm_ms alac amrnb amrwb eac3 flac gsm gsm_ms
    mp1float mp2 mp2float mp3 mp3float opus pcm_alaw pcm_f32be pcm_f32le pcm_f64be pcm_f64le pcm_mulaw pcm_s16be
    pcm_s16le pcm_s24be pcm_s24le pcm_s32be pcm_s32le pcm_s8 pcm_u8 speex vorbis wmapro wmav1 wmav2
    """.split()  # noqa: SIM905
)
PICTURE_CODECS = frozenset(
    """
    av1 h263 h264 hevc libdav1d mjpeg mpeg1video mpeg2video mpeg4 msmpeg4v3 prores theora vp8 vp9 wmv3
    """.split()  # noqa: SIM905
)
CODECS = SOUND_CODECS | PICTURE_CODECS
"""Decoders that recordings need. Nobody attacks through one that is never opened."""
WAY_OUT = "give it as wav, mp3, m4a, flac, ogg, webm or mp4"
A_TEXT = ("a text, not a recording", WAY_OUT)
UNREADABLE = ("not a sound or video file that can be read, or damaged at its start", WAY_OUT)
CUT_OFF = ("cut off: the index that an mp4 keeps is missing", "copy it again whole, or record it again")
EMPTY_FILE = ("the file is empty (0 bytes)", "copy or record it again")
"""What is wrong and what to do, behind the file's name: the pages say these in their language."""
LONGEST_NAME = 120
SCRIPT_OPENINGS: tuple[tuple[bytes, str], ...] = (
    (b"#EXTM3U", "a playlist"),
    (b"ffconcat version", "a concat script"),
    (b"v=0", "a stream description (SDP)"),
    (b"[playlist]", "a playlist"),
    (b"[reference]", "a playlist"),
    (b"<?xml", "an XML file"),
    (b"<MPD", "a stream manifest (DASH)"),
    (b"<asx", "a playlist"),
)


def shown_name(name: str) -> str:
    """A file's name as it may stand in a message: one line, printable, not longer than LONGEST_NAME."""
    line = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
    return line if len(line) <= LONGEST_NAME else f"{line[:80]}…{line[-35:]}"


def not_followed(kind: str) -> str:
    """`kind`: of SCRIPT_OPENINGS."""
    return f"{kind}, not a recording; files named inside a file are never opened"


def open_regular(path: Path, *, name: str | None = None) -> int:
    """A descriptor of the regular file at `path`, for reading; the caller closes it. Raises BadMedia."""
    shown = shown_name(name or path.name)
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to would otherwise wait for ever.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise BadMedia(f"{shown}: {_why_not_opened(error)}", _what_to_do(error)) from error
    kind = os.fstat(fd)
    if stat.S_ISREG(kind.st_mode) and kind.st_size > 0:
        return fd
    os.close(fd)
    if stat.S_ISREG(kind.st_mode):
        raise BadMedia(f"{shown}: {EMPTY_FILE[0]}", EMPTY_FILE[1])
    raise BadMedia(f"{shown}: {_kind_of(kind.st_mode)}, not a file", "give the recording itself, as a regular file")


def _why_not_opened(error: OSError) -> str:
    reasons = {
        errno.ELOOP: "a link to another file; links are not followed",
        errno.ENOENT: "there is no such file",
        errno.EACCES: "this user may not read it",
        errno.ENXIO: "a socket, not a file",
        errno.ENAMETOOLONG: "the name is too long for this file system",
    }
    return reasons.get(error.errno or 0, f"cannot be opened ({error.strerror})")


def _what_to_do(error: OSError) -> str:
    if error.errno == errno.EACCES:
        return "make it readable for the user that runs Earmark"
    return "give the recording itself, as a regular file"


def _kind_of(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "a special file"


def open_links(fd: int, *, name: str) -> Generator[av.container.InputContainer, None, None]:
    """The media containers in the open file `fd`, which stays the caller's: one, or each part of a chained Ogg.

    The first stays open until the generator is closed. Raises BadMedia where a part cannot be opened.
    """
    shown = shown_name(name)
    script = _script_kind(os.pread(fd, 4096, 0))
    if script is not None:
        raise BadMedia(f"{shown}: {not_followed(script)}", WAY_OUT)
    # Only these protocols, and only this descriptor: nothing that a file names can be reached.
    links = find_links(fd)
    urls = ["fd:"] if len(links) == 1 else [f"subfile,,start,{start},end,{end},,:fd:" for start, end in links]
    with _open_link(fd, urls[0], shown=shown) as first:  # open to the end: its picture's decoder is asked for the rest
        yield first
        for url in urls[1:]:
            with _open_link(fd, url, shown=shown) as later:
                yield later


def _open_link(fd: int, url: str, *, shown: str) -> av.container.InputContainer:
    options = {"fd": str(fd), "format_whitelist": CONTAINERS, "protocol_whitelist": "fd,subfile"}
    options["codec_whitelist"] = ",".join(sorted(CODECS))
    if understates_its_size(fd):
        options["ignore_length"] = "1"
    try:
        return av.open(url, mode="r", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        reason, way_out = _why_unreadable(fd)
        raise BadMedia(f"{shown}: {reason}", way_out) from error


def understates_its_size(fd: int) -> bool:
    """Whether a WAV holds far more sound than its header says, as a recorder that was cut off leaves it."""
    head = os.pread(fd, 4096, 0)
    at = head.find(b"data")
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE" or at < 0 or at + 8 > len(head):
        return False
    end = at + 8 + int.from_bytes(head[at + 4 : at + 8], "little")
    left = os.fstat(fd).st_size - end
    following = os.pread(fd, 4, end + end % 2)
    return left > 4096 and not following.strip().isalnum()


def _why_unreadable(fd: int) -> tuple[str, str]:
    head = os.pread(fd, 4096, 0)
    if head[4:8] == b"ftyp":
        return CUT_OFF
    if not set(head) - set(range(0x20, 0x100)) - set(b"\t\r\n\f") and _is_text(head):
        return A_TEXT
    return UNREADABLE


def _is_text(head: bytes) -> bool:
    return "\N{REPLACEMENT CHARACTER}" not in head[:-4].decode("utf-8", errors="replace")


def _script_kind(opening: bytes) -> str | None:
    text = opening.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((kind for start, kind in SCRIPT_OPENINGS if text.startswith(start.lower())), None)
