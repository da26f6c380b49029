"""The sound of a recording in parts, and never anything else of the disk."""

import os
from collections.abc import Callable
from http.client import HTTPConnection, IncompleteRead

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from starlette.testclient import TestClient

from knowledge.recordings.tables import RecordingRow
from tests.web.house import WebHouse, page_headers, write_tone
from tests.web.people import add_person, close_course, signed_in, with_sign_in
from tests.web.serving import serving
from web.app import create_app
from web.ranges import (
    LARGEST_PART,
    LEAST_PART,
    PICTURE_AHEAD_S,
    SOUND_AHEAD_S,
    ByteRange,
    RangeUnsatisfiableError,
    part_bytes,
    requested_range,
)
from web.visitors import SESSION_COOKIE

SIZES = st.integers(1, 10**12)
PARTS = st.integers(1, 10**8)


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", ByteRange(0, 0)),
        ("bytes=10-19", ByteRange(10, 19)),
        ("bytes=990-5000", ByteRange(990, 999)),
        ("bytes=-10", ByteRange(990, 999)),
        ("bytes=-5000", ByteRange(0, 999)),
        ("bytes=500-", ByteRange(500, 999)),
        ("BYTES=0-1", ByteRange(0, 1)),
    ],
)
def test_one_range_is_served(header: str, part: ByteRange) -> None:
    assert requested_range(header, 1000, longest=1000) == part


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1,5-6", "bytes=9-1", "bytes=" + "9" * 99],
)
def test_what_cannot_be_read_gets_the_whole(header: str | None) -> None:
    assert requested_range(header, 1000, longest=1000) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(header: str) -> None:
    with pytest.raises(RangeUnsatisfiableError):
        requested_range(header, 1000, longest=1000)


@given(SIZES, PARTS, st.integers(0, 10**13), st.none() | st.integers(0, 10**13))
def test_a_part_begins_where_it_was_asked_for_and_is_never_longer(
    size: int, longest: int, first: int, last: int | None
) -> None:
    header = f"bytes={first}-{'' if last is None else last}"
    if first >= size:
        with pytest.raises(RangeUnsatisfiableError):
            requested_range(header, size, longest=longest)
        return
    part = requested_range(header, size, longest=longest)
    if last is not None and last < first:
        assert part is None
        return
    wanted = min(size - 1, last if last is not None else size - 1)
    assert part == ByteRange(first, min(wanted, first + longest - 1))
    assert 0 < part.length <= longest


@given(SIZES, PARTS, st.integers(1, 10**13))
def test_an_end_that_is_asked_for_begins_where_the_last_bytes_do(size: int, longest: int, wanted: int) -> None:
    part = requested_range(f"bytes=-{wanted}", size, longest=longest)
    assert part is not None
    assert part.first == max(0, size - wanted)
    assert part.last < size
    assert 0 < part.length <= longest


@given(st.integers(1, 10**6), st.integers(1, 10**5))
def test_who_asks_on_gets_every_byte_once(size: int, longest: int) -> None:
    longest = max(longest, size // 50 + 1)
    at = 0
    while at < size:
        part = requested_range(f"bytes={at}-", size, longest=longest)
        assert part is not None
        assert part.first == at
        at = part.last + 1
    assert at == size


@given(st.text(max_size=60) | st.from_regex(r"bytes=[0-9,\- ]{0,40}", fullmatch=True), SIZES)
def test_no_header_breaks_it(header: str, size: int) -> None:
    try:
        part = requested_range(header, size, longest=LEAST_PART)
    except RangeUnsatisfiableError:
        return
    assert part is None or 0 <= part.first <= part.last < size


@given(SIZES, st.floats(0.1, 10**6), st.booleans())
def test_a_part_is_seconds_long_within_bounds(size: int, duration_s: float, has_picture: bool) -> None:
    part = part_bytes(size, duration_s, has_picture=has_picture)
    assert LEAST_PART <= part <= LARGEST_PART
    if part > LEAST_PART:
        assert part / (size / duration_s) <= (PICTURE_AHEAD_S if has_picture else SOUND_AHEAD_S) <= 30


def test_of_an_unknown_length_little_is_sent_at_once() -> None:
    assert part_bytes(10**9, None, has_picture=True) == LEAST_PART


@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=0-99999999", "bytes=1000-", "bytes=-99999999"])
def test_no_request_gets_more_than_half_a_minute_of_sound(browser: TestClient, house: WebHouse, asked: str) -> None:
    recording_id = house.add_recording(duration_s=120)
    whole = browser.get(f"/media/{recording_id}").content

    part = browser.get(f"/media/{recording_id}", headers={"range": asked})

    assert part.status_code == 206
    assert len(part.content) == int(part.headers["content-length"]) <= len(whole) / 4
    first = int(part.headers["content-range"].removeprefix("bytes ").partition("-")[0])
    assert part.content == whole[first : first + len(part.content)]


def cut_short(house: WebHouse, headers: dict[str, str], take_away: Callable[[str], None]) -> int:
    """How many of 60 MB come after the right to them was taken away (from the recording's id) while they came."""
    recording_id = house.add_recording(source=write_tone(house.folder / "s.wav", duration_s=1), duration_s=3600)
    copy = next((house.services.home / "files" / recording_id).glob("playable.*"))
    copy.write_bytes(os.urandom(60_000_000))
    with serving(house) as address:
        listener = HTTPConnection(address.removeprefix("http://"), timeout=20)
        listener.request("GET", f"/media/{recording_id}", headers=headers)
        reply = listener.getresponse()
        assert reply.status == 200
        reply.read(1_000_000)
        take_away(recording_id)
        with pytest.raises(IncompleteRead) as cut:
            reply.read()
        listener.close()
    return len(cut.value.partial)


WHAT_BUFFERS_HOLD = 30_000_000


def test_who_takes_the_whole_is_cut_off_when_it_is_removed(house: WebHouse) -> None:
    """And gets less than was announced, so that nobody takes it for the whole."""

    def remove(recording_id: str) -> None:
        with TestClient(create_app(house.services), base_url="http://127.0.0.1", headers=page_headers()) as browser:
            browser.post(f"/recordings/{recording_id}/remove")

    assert cut_short(house, {}, remove) < WHAT_BUFFERS_HOLD


def test_who_takes_the_whole_is_cut_off_when_the_course_is_closed(house: WebHouse) -> None:
    house = with_sign_in(house)
    browser = signed_in(house, add_person(house, "kim"))
    session = {"cookie": f"{SESSION_COOKIE}={browser.cookies[SESSION_COOKIE]}"}

    assert cut_short(house, session, lambda _: close_course(house, "Workplace safety")) < WHAT_BUFFERS_HOLD


def test_who_takes_the_whole_is_cut_off_when_signed_out(house: WebHouse) -> None:
    house = with_sign_in(house)
    browser = signed_in(house, add_person(house, "kim"))
    session = {"cookie": f"{SESSION_COOKIE}={browser.cookies[SESSION_COOKIE]}"}

    def sign_out(_recording_id: str) -> None:
        assert browser.post("/sign-out").status_code == 303

    assert cut_short(house, session, sign_out) < WHAT_BUFFERS_HOLD


def test_the_whole_and_its_parts_are_the_same_bytes(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()

    whole = browser.get(f"/media/{recording_id}")
    part = browser.get(f"/media/{recording_id}", headers={"range": "bytes=100-299"})

    assert whole.status_code == 200
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-type"] in ("audio/mp4", "video/mp4", "video/webm")
    assert int(whole.headers["content-length"]) == len(whole.content)
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes 100-299/{len(whole.content)}"
    assert part.content == whole.content[100:300]


def test_a_range_beyond_the_file_says_how_long_it_is(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()
    size = len(browser.get(f"/media/{recording_id}").content)

    reply = browser.get(f"/media/{recording_id}", headers={"range": f"bytes={size}-"})

    assert reply.status_code == 416
    assert reply.headers["content-range"] == f"bytes */{size}"


def test_an_unchanged_file_is_not_sent_again(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()
    etag = browser.get(f"/media/{recording_id}").headers["etag"]

    assert browser.get(f"/media/{recording_id}", headers={"if-none-match": etag}).status_code == 304
    changed = browser.get(f"/media/{recording_id}", headers={"range": "bytes=0-9", "if-range": '"older"'})
    assert changed.status_code == 200


def test_its_head_has_its_length_and_no_body(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()

    reply = browser.head(f"/media/{recording_id}")

    assert reply.status_code == 200
    assert int(reply.headers["content-length"]) > 1000
    assert reply.content == b""


def test_a_removed_recording_falls_silent_at_once(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()

    browser.post(f"/recordings/{recording_id}/remove")

    assert browser.get(f"/media/{recording_id}").status_code == 410
    assert browser.get(f"/recordings/{recording_id}").status_code == 410
    assert browser.get(f"/recordings/{recording_id}/transcript.srt").status_code == 410
    assert browser.get(f"/recordings/{recording_id}/lines").status_code == 410


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../etc/passwd", "earmark.db", "files/../earmark.db", ""])
def test_no_row_can_lead_out_of_its_own_folder(browser: TestClient, house: WebHouse, path: str) -> None:
    recording_id = house.add_recording(playable=False)
    with house.database.write() as session:
        session.execute(update(RecordingRow).where(RecordingRow.id == recording_id).values(playable_path=path))

    assert browser.get(f"/media/{recording_id}").status_code == 404


def test_a_link_in_its_place_is_not_followed(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()
    copy = next((house.services.home / "files" / recording_id).glob("playable.*"))
    copy.unlink()
    copy.symlink_to("/etc/passwd")

    reply = browser.get(f"/media/{recording_id}")

    assert reply.status_code >= 400
    assert "root:" not in reply.text


@pytest.mark.parametrize("name", ["x", "..%2f..%2fearmark.db", "%00", "0" * 5000])
def test_a_made_up_id_is_not_found(browser: TestClient, name: str) -> None:
    assert browser.get(f"/media/{name}").status_code == 404
