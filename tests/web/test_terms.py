"""A course's map of terms: what it shows, to whom, and what is gone from it with the next request."""

import re
import threading
import time
from html import unescape

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from assistant.courses.removing import remove_recording
from knowledge.database import Database
from knowledge.recordings import store as recordings
from knowledge.recordings.tables import RecordingRow
from knowledge.terms.term_map import TermMap
from knowledge.transcripts import store as transcripts
from tests.web.house import WebHouse, spoken_segment
from tests.web.people import add_person, close_course, signed_in, with_sign_in
from web import term_maps
from web.term_maps import PAUSE_S, TermMaps

BOILER = (
    (1.0, 4.0, "A boiler heats the water."),
    (5.0, 9.0, "The valve of the boiler stays shut."),
    (40.0, 44.0, "Open the valve and the boiler cools."),
    (45.0, 49.0, "Every valve has a seal."),
    *((60.0 * minute, 60.0 * minute + 4, "And so on we go.") for minute in range(2, 12)),
)
LADDER = ((1.0, 4.0, "The ladder leans on the scaffold."), (5.0, 9.0, "A scaffold and a ladder fall."))


def add(house: WebHouse, lines: tuple[tuple[float, float, str], ...] = BOILER, **named: object) -> str:
    return house.add_recording(lines=lines, playable=False, **{"course": "Heat", **named})  # type: ignore[arg-type]


def course_id(house: WebHouse, name: str = "Heat") -> str:
    with house.database.read() as session:
        found = recordings.course_by_name(session, name)
    assert found is not None
    return found.id


def page(browser: TestClient, house: WebHouse, course: str = "Heat", **parameters: str) -> str:
    """As it is when the map is there: on a busy machine the first one takes longer than a page waits."""
    until = time.monotonic() + 20
    while True:
        shown = unescape(browser.get(f"/courses/{course_id(house, course)}/terms", params=parameters).text)
        if "The map is being drawn" not in shown or time.monotonic() > until:
            return shown


def test_a_course_leads_to_its_map_and_each_term_to_its_second(browser: TestClient, house: WebHouse) -> None:
    recording = add(house, name="boilers.wav")
    assert f'href="/courses/{course_id(house)}/terms"' in browser.get(f"/courses/{course_id(house)}").text
    shown = page(browser, house)
    drawing = shown[shown.index("<svg viewBox=") : shown.index("</div>", shown.index("<svg viewBox="))]
    assert re.search(rf'<a href="/recordings/{recording}\?t=1"[^>]*><title>boiler – boilers, 0:01</title>', drawing)
    assert re.search(r"<text [^>]*>valve</text>", drawing)
    assert "<line " in drawing
    assert "style=" not in drawing
    listed = shown[shown.index('<ul class="list terms"') :]
    assert f'href="/recordings/{recording}?t=1"' in listed
    assert "A boiler heats the water." in listed
    assert "said 3 times" in listed
    assert f'<a class="chip" href="/courses/{course_id(house)}/terms?term=valve">' in listed


def test_a_long_sentence_is_quoted_around_its_term_and_not_around_another_word(
    browser: TestClient, house: WebHouse
) -> None:
    long = f"Our storage {'is full of things that nobody needs any more and ' * 8}so take the rag and go."
    add(house, ((1.0, 29.0, long), (29.5, 30.0, "A rag!")), duration_s=31.0)
    listed = page(browser, house)
    quote = listed[listed.index("<q") : listed.index("</q>")]
    assert "take the rag and go." in quote
    assert "storage" not in quote


def test_a_term_is_chosen_and_what_is_around_it_shown(browser: TestClient, house: WebHouse) -> None:
    add(house)
    shown = page(browser, house, term="Valve")
    assert "<h1>" in shown
    assert re.search(r'<h1><bdi lang="en">valve</bdi></h1>', shown)
    assert 'class="chosen"' in shown
    assert "boiler" in shown


@pytest.mark.parametrize("term", ["nobody", "<script>alert(1)</script>", "\x00", "x" * 5000, "' or 1=1", "\u202e"])
def test_an_unknown_term_shows_the_whole_map_and_says_so(browser: TestClient, house: WebHouse, term: str) -> None:
    add(house)
    reply = browser.get(f"/courses/{course_id(house)}/terms", params={"term": term})
    assert reply.status_code == 404
    assert "This term is not on the map" in reply.text
    assert "boiler" in reply.text
    assert "<script>alert" not in reply.text


def test_a_course_that_says_nothing_says_why_there_is_no_map(browser: TestClient, house: WebHouse) -> None:
    made = browser.post("/courses", data={"name": "Heat"})
    assert "Nothing is in this course yet." in browser.get(f"{made.url.path}/terms").text
    add(house, ((1.0, 2.0, "Good morning."),))
    assert "Too little is said in this course for a map" in page(browser, house)


def test_a_removed_recordings_words_are_gone_with_the_next_request(browser: TestClient, house: WebHouse) -> None:
    gone, kept = add(house, name="a.wav"), add(house, LADDER, name="b.wav", duration_s=31.0)
    assert "boiler" in page(browser, house)
    remove_recording(house.database, gone)
    shown = page(browser, house)
    assert "boiler" not in shown
    assert gone not in shown
    assert f"/recordings/{kept}?t=" in shown


def test_a_corrected_transcript_counts_with_the_next_request(browser: TestClient, house: WebHouse) -> None:
    recording = add(house)
    assert "boiler" in page(browser, house)
    with house.database.write() as session:
        lines = [spoken_segment(1, 4, "the broiler grills"), spoken_segment(5, 9, "a broiler grills")]
        revision = transcripts.save_transcript(session, recording, "person", lines)
        session.execute(update(RecordingRow).where(RecordingRow.id == recording).values(revision=revision))
    shown = page(browser, house)
    assert "broiler" in shown
    assert "valve" not in shown


def test_a_new_title_is_shown_at_once(browser: TestClient, house: WebHouse) -> None:
    recording = add(house)
    page(browser, house)
    with house.database.write() as session:
        session.execute(update(RecordingRow).where(RecordingRow.id == recording).values(title="Of heating"))
    assert "Of heating" in page(browser, house)


def test_no_term_comes_from_another_course(browser: TestClient, house: WebHouse) -> None:
    add(house)
    add(house, LADDER, course="Height", name="b.wav", duration_s=31.0)
    assert "ladder" not in page(browser, house)
    assert "boiler" not in page(browser, house, "Height")


def test_the_map_is_for_those_who_may_hear_the_course(house: WebHouse) -> None:
    house = with_sign_in(house)
    add(house)
    insider, outsider = add_person(house, "Ines", groups=["heaters"]), add_person(house, "Otto")
    close_course(house, "Heat", groups=["heaters"])
    address = f"/courses/{course_id(house)}/terms"
    assert "boiler" in signed_in(house, insider).get(address).text
    for path in (address, f"{address}?term=boiler"):
        reply = signed_in(house, outsider).get(path)
        assert reply.status_code == 404
        assert "valve" not in reply.text


def test_hostile_words_stay_words(browser: TestClient, house: WebHouse) -> None:
    words = ("pwned</title></svg><script>alert(1)</script> pwned", 'pwned"><img src=x onerror=alert(2)> pwned')
    recording = add(
        house, ((1.0, 4.0, words[0]), (5.0, 9.0, words[1]), (10.0, 14.0, "مخرج الطوارئ"), (15, 19, "مخرج الطوارئ"))
    )
    with house.database.write() as session:
        session.execute(update(RecordingRow).where(RecordingRow.id == recording).values(title=words[0]))
    raw = browser.get(f"/courses/{course_id(house)}/terms").text
    assert "pwned" in raw
    assert "مخرج الطوارئ" in raw
    for tag in ("<script>alert", "<img", "</svg><script"):
        assert tag not in raw


def test_a_map_is_drawn_once_for_what_a_course_says(house: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = count_drawings(monkeypatch)
    maps = TermMaps(house.database)
    add(house)
    for _ in range(3):
        maps.of(course_id(house))
    assert len(drawn) == 1
    add(house, LADDER, name="b.wav", duration_s=31.0)
    maps.of(course_id(house))
    assert len(drawn) == 2


@pytest.mark.timed
def test_a_page_does_not_wait_for_a_large_course(house: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = hold_drawings(monkeypatch)
    maps = TermMaps(house.database, wait_s=0.05)
    add(house)
    course = course_id(house)
    started = time.perf_counter()
    waiting = [threading.Thread(target=maps.of, args=(course,)) for _ in range(20)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()
    assert maps.of(course).drawn is None
    assert time.perf_counter() - started < 2
    go_on.set()
    assert drawn_at_last(maps, course).term("boiler") is not None


def test_while_a_new_recording_is_drawn_the_map_of_the_others_is_shown(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = TermMaps(house.database, wait_s=5)
    add(house)
    course = course_id(house)
    maps.of(course)
    go_on = hold_drawings(monkeypatch)
    maps.wait_s = 0.05
    late = add(house, LADDER, name="b.wav", duration_s=31.0)
    found = maps.of(course)
    assert found.drawn is not None
    assert (found.recordings, found.waiting) == (2, 1)
    remove_recording(house.database, late)
    go_on.set()
    assert drawn_at_last(maps, course).term("ladder") is None


def test_nothing_of_a_removed_recording_is_shown_while_the_map_is_drawn_anew(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = TermMaps(house.database, wait_s=5)
    gone, _ = add(house), add(house, LADDER, name="b.wav", duration_s=31.0)
    course = course_id(house)
    maps.of(course)
    hold_drawings(monkeypatch)
    maps.wait_s = 0.05
    remove_recording(house.database, gone)
    assert maps.of(course).drawn is None


def test_a_map_that_cannot_be_drawn_is_told_and_tried_again_after_a_pause(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    maps = TermMaps(house.database, clock=lambda: now[0])
    add(house)
    course = course_id(house)
    with monkeypatch.context() as broken, capture_logs() as logged:
        tries = fail_drawings(broken)
        for _ in range(3):
            assert maps.of(course).failed
        assert len(tries) == 1, "not with each page"
        now[0] += PAUSE_S
        assert maps.of(course).failed
        assert len(tries) == 2
    assert [(each["course"], each["reason"]) for each in logged] == [(course, "ValueError")] * 2
    assert "boiler" not in str(logged)
    assert maps.of(course).drawn is None
    now[0] += PAUSE_S
    found = maps.of(course)
    assert found.drawn is not None
    assert not found.failed


def test_what_fails_after_the_page_was_sent_is_told_by_the_next(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, go_on = fail_drawings(monkeypatch), hold_drawings(monkeypatch)
    maps = TermMaps(house.database, wait_s=0.05)
    add(house)
    course = course_id(house)
    assert not maps.of(course).failed
    go_on.set()
    until = time.monotonic() + 20
    while not (found := maps.of(course)).failed and time.monotonic() < until:
        time.sleep(0.02)
    assert found.failed
    assert len(tries) == 1


def test_the_page_says_that_the_map_could_not_be_drawn_and_no_longer_asks_for_it(
    browser: TestClient, house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_drawings(monkeypatch)
    add(house)
    shown = page(browser, house)
    assert "The map could not be drawn." in shown
    assert "every 2s" not in shown


def test_nothing_of_the_database_is_held_while_a_map_is_drawn(house: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    open_meanwhile: list[int] = []
    real = term_maps.map_terms

    def looked_at(said: object, frequency: object) -> TermMap:
        open_meanwhile.append(house.database.engine.pool.checkedout())  # type: ignore[attr-defined]
        return real(said, frequency)  # type: ignore[arg-type]

    monkeypatch.setattr(term_maps, "map_terms", looked_at)
    add(house)
    assert TermMaps(house.database).of(course_id(house)).drawn is not None
    assert open_meanwhile == [0]


def test_maps_are_drawn_from_any_database(house: WebHouse, databases: Database) -> None:
    """The page's own shell over PostgreSQL, too."""
    assert TermMaps(databases).of("nowhere").drawn == TermMap()


def count_drawings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    drawn: list[int] = []
    real = term_maps.map_terms

    def counted(said: object, frequency: object) -> TermMap:
        drawn.append(1)
        return real(said, frequency)  # type: ignore[arg-type]

    monkeypatch.setattr(term_maps, "map_terms", counted)
    return drawn


def fail_drawings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    tries: list[int] = []

    def failing(*_: object) -> TermMap:
        tries.append(1)
        raise ValueError("a boiler's own words")

    monkeypatch.setattr(term_maps, "map_terms", failing)
    return tries


def hold_drawings(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """No map is finished until it is set."""
    go_on = threading.Event()
    real = term_maps.map_terms

    def held(said: object, frequency: object) -> TermMap:
        go_on.wait(20)
        return real(said, frequency)  # type: ignore[arg-type]

    monkeypatch.setattr(term_maps, "map_terms", held)
    return go_on


def drawn_at_last(maps: TermMaps, course: str) -> TermMap:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = maps.of(course)
        if found.drawn is not None and not found.waiting:
            return found.drawn
        time.sleep(0.02)
    raise AssertionError("no map")
