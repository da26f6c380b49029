"""What pages say of what is kept, and a question's voice for whoever asked it alone."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from assistant.forgetting.keeping import Keeping
from assistant.questions.deleting import forget_questions
from assistant.questions.sounds import keep_sound
from tests.assistant.questions.made_answers import WAV
from tests.web.conftest import browser_of
from tests.web.house import WebHouse

SOUND = WAV + bytes(range(200))
IN_CHINESE = {"accept-language": "zh"}


def told(house: WebHouse, keeping: Keeping) -> TestClient:
    house.services = replace(house.services, keeping=keeping)
    return browser_of(house)


@pytest.fixture
def kept_for_a_month(house: WebHouse) -> Iterator[TestClient]:
    with told(house, Keeping(question_sounds_days=30)) as client:
        yield client


def spoken(browser: TestClient, house: WebHouse) -> str:
    """A spoken question whose voice was kept, as `Asking` does; the address of its page."""
    reply = browser.post("/ask", files={"sound": ("q.wav", SOUND, "audio/wav")}, follow_redirects=False)
    address: str = reply.headers["location"]
    keep_sound(house.services.home, address.removeprefix("/questions/"), SOUND)
    return address


@pytest.mark.parametrize(
    ("keeping", "english", "chinese"),
    [
        (
            Keeping(),
            "Your voice is dropped once it is written down. Your question is kept for 12 months.",
            "您的语音转成文字后即被删除。 您的提问保留 12 个月。",
        ),
        (
            Keeping(questions_days=0, question_sounds_days=1),
            "Your voice is kept for 1 day. Your question is kept until somebody deletes it.",
            "您的语音保留 1 天。 您的提问会一直保留，直到有人删除它。",
        ),
        (
            Keeping(questions_days=1825, question_sounds_days=90),
            "Your voice is kept for 90 days. Your question is kept for 5 years.",
            "您的语音保留 90 天。 您的提问保留 5 年。",
        ),
    ],
)
def test_the_ask_page_says_what_is_kept_and_for_how_long(
    house: WebHouse, keeping: Keeping, english: str, chinese: str
) -> None:
    with told(house, keeping) as browser:
        assert english in browser.get("/").text
        assert chinese in browser.get("/", headers=IN_CHINESE).text


def test_where_recordings_go_by_age_their_pages_say_so(house: WebHouse, browser: TestClient) -> None:
    recording_id = house.add_recording()
    assert "kept until" not in browser.get(f"/recordings/{recording_id}").text
    with told(house, Keeping(recordings_days=730)) as other:
        assert "kept until" in other.get(f"/recordings/{recording_id}").text
        assert "Recordings are kept for 24 months" in other.get("/courses").text


def test_a_kept_voice_is_played_to_its_asker_alone(
    kept_for_a_month: TestClient, other_browser: TestClient, house: WebHouse
) -> None:
    address = spoken(kept_for_a_month, house)

    page = kept_for_a_month.get(address)
    sound = kept_for_a_month.get(f"{address}/sound")
    part = kept_for_a_month.get(f"{address}/sound", headers={"range": "bytes=0-3"})
    other_browser.get("/")
    stranger = other_browser.get(f"{address}/sound")

    assert f'src="{address}/sound"' in page.text
    assert "Only you can hear it." in page.text
    assert (sound.status_code, sound.content, sound.headers["content-type"]) == (200, SOUND, "audio/wav")
    assert sound.headers["cache-control"] == "private, no-store"
    assert (part.status_code, part.content) == (206, b"RIFF")
    assert stranger.status_code == 404
    assert SOUND not in stranger.content


def test_a_voice_goes_with_its_question(kept_for_a_month: TestClient, house: WebHouse) -> None:
    address = spoken(kept_for_a_month, house)
    forget_questions(house.database, house.services.home, [address.removeprefix("/questions/")], actor="p-1")
    assert kept_for_a_month.get(f"{address}/sound").status_code == 404


def test_a_voice_that_is_no_longer_to_be_kept_is_not_played_though_it_is_still_there(
    kept_for_a_month: TestClient, house: WebHouse
) -> None:
    address = spoken(kept_for_a_month, house)
    with told(house, Keeping()) as later:
        later.cookies = kept_for_a_month.cookies
        assert later.get(f"{address}/sound").status_code == 404
        assert "/sound" not in later.get(address).text


def test_a_typed_question_has_no_voice(kept_for_a_month: TestClient) -> None:
    address = kept_for_a_month.post("/ask", data={"text": "typed"}, follow_redirects=False).headers["location"]
    assert "/sound" not in kept_for_a_month.get(address).text
    assert kept_for_a_month.get(f"{address}/sound").status_code == 404
