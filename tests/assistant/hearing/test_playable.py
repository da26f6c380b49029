"""Our own copy: indexed at its front, sound and picture on one clock, nothing left behind when hearing fails."""

from pathlib import Path

import av
import pytest

from assistant.errors import BadMedia, PartDown
from assistant.hearing.heard import HeardFile, HearingLimits
from assistant.hearing.listening import PLAYABLE_TYPES, hear
from tests.assistant.hearing.decoded import decoded_bursts
from tests.assistant.hearing.making_media import BURSTS_S, bursts, write_sound


def copy_of(path: Path, stem: Path) -> HeardFile:
    *_, heard = hear(path, playable_to=stem)
    assert isinstance(heard, HeardFile)
    return heard


def picture_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [round(frame.time or 0.0, 2) for frame in container.decode(video=0)]


def test_sound_alone_becomes_an_m4a_with_its_index_in_front(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "talk.wav", bursts(BURSTS_S, duration_s=9), codec="pcm_s16le", channels=2)

    heard = copy_of(path, tmp_path / "copy")

    assert heard.playable == tmp_path / "copy.m4a"
    assert not heard.has_picture
    content = heard.playable.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert decoded_bursts(heard.playable) == pytest.approx(BURSTS_S, abs=0.01)
    assert PLAYABLE_TYPES[heard.playable.suffix] == "audio/mp4"


@pytest.mark.parametrize(
    ("picture", "container", "suffix", "codec"),
    [
        ("libvpx-vp9", "mp4", ".mp4", "vp9"),
        ("libsvtav1", "matroska", ".mp4", "av1"),
        ("libvpx", "webm", ".webm", "vp8"),
        ("mpeg4", "matroska", ".webm", "vp8"),
    ],
)
def test_the_picture_keeps_its_seconds(picture: str, container: str, suffix: str, codec: str, tmp_path: Path) -> None:
    sound = "libopus" if container == "webm" else "aac"
    path = write_sound(
        tmp_path / "film",
        bursts(BURSTS_S, duration_s=9),
        codec=sound,
        container=container,
        picture=picture,
        late_s=1.5,
    )

    heard = copy_of(path, tmp_path / "copy")

    assert heard.has_picture
    assert heard.playable == (tmp_path / "copy").with_suffix(suffix)
    with av.open(str(heard.playable)) as copy:
        assert av.codec.Codec(copy.streams.video[0].codec_context.name, "r").canonical_name == codec
    assert picture_times(heard.playable) == pytest.approx(picture_times(path), abs=0.011)
    assert decoded_bursts(heard.playable) == pytest.approx([second + 1.5 for second in BURSTS_S], abs=0.02)


def test_a_cover_image_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    write_sound(path, bursts(BURSTS_S, duration_s=9), codec="libmp3lame")
    with av.open(str(path)) as song, av.open(str(tmp_path / "covered.mp3"), "w") as covered:
        sound = covered.add_stream_from_template(song.streams.audio[0])
        cover = covered.add_stream("png", rate=1)
        cover.width = cover.height = 64
        cover.pix_fmt = "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        covered.mux(cover.encode(av.VideoFrame(64, 64, "rgb24")))
        for packet in song.demux(song.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = sound
                covered.mux(packet)

    heard = copy_of(tmp_path / "covered.mp3", tmp_path / "copy")

    assert not heard.has_picture
    assert heard.playable == tmp_path / "copy.m4a"


def test_nothing_is_left_of_a_copy_when_hearing_fails(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "long.wav", bursts(BURSTS_S, duration_s=9), codec="pcm_s16le")
    (tmp_path / "copies").mkdir()

    with pytest.raises(BadMedia):
        list(hear(path, playable_to=tmp_path / "copies" / "copy", limits=HearingLimits(max_hours=0.001)))

    assert list((tmp_path / "copies").iterdir()) == []


def test_a_folder_that_is_not_there_is_no_fault_of_the_file(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "talk.wav", bursts(BURSTS_S, duration_s=9), codec="pcm_s16le")

    with pytest.raises(PartDown, match=r"talk\.wav: the copy that is played cannot be written \(No such file"):
        list(hear(path, playable_to=tmp_path / "absent" / "copy"))
