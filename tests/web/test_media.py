"""The sound of a recording in parts, and never anything else of the disk."""

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from knowledge.recordings.tables import RecordingRow
from tests.web.house import WebHouse
from web.ranges import LARGEST_PART, ByteRange, RangeUnsatisfiableError, requested_range


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
    assert requested_range(header, 1000) == part


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1,5-6", "bytes=9-1", "bytes=" + "9" * 99],
)
def test_what_cannot_be_read_gets_the_whole(header: str | None) -> None:
    assert requested_range(header, 1000) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(header: str) -> None:
    with pytest.raises(RangeUnsatisfiableError):
        requested_range(header, 1000)


def test_an_open_end_is_cut_to_a_sane_part() -> None:
    part = requested_range("bytes=0-", 10 * LARGEST_PART)

    assert part is not None
    assert part.length == LARGEST_PART


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
