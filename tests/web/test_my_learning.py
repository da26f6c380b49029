"""My learning by its owner's eyes, and by everybody else's: nothing without a switch, nothing of it to anybody."""

import datetime as dt
import json
import re
import time
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, func, select, update
from starlette.testclient import TestClient

from assistant.access.caller import Scope
from assistant.access.role import Role
from assistant.audit.tables import AuditRow
from assistant.courses.removing import remove_recording
from assistant.learning.tables import BookmarkRow, LearnerRow, RecallCardRow, RecallReviewRow
from assistant.questions.tables import QuestionRow
from knowledge.database import Base, Database, new_id, utc_now
from knowledge.recordings.tables import RecordingRow
from knowledge.transcripts import store as transcripts
from tests.web.house import LINES, WebHouse, spoken_segment
from tests.web.people import add_person, close_course, program_of, signed_in, stranger, with_sign_in

TABLES: tuple[type[Base], ...] = (LearnerRow, BookmarkRow, RecallCardRow, RecallReviewRow)
HOSTILE = "<img src=x onerror=alert(1)> {{ 7*7 }} %(name)s \u202e =1+1"


@pytest.fixture
def company(house: WebHouse) -> WebHouse:
    return with_sign_in(house)


@pytest.fixture
def recording(company: WebHouse) -> str:
    made = company.add_recording()
    company.answer_with("near miss", made)
    return made


@pytest.fixture
def anna(company: WebHouse, recording: str) -> TestClient:
    """Who has switched it on."""
    browser = signed_in(company, add_person(company, "Anna"))
    assert browser.post("/me/learning/on").status_code == 303
    return browser


def kept(house: WebHouse) -> list[int]:
    """Learners, bookmarks, cards, reviews."""
    with house.database.read() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


def only(house: WebHouse, table: type[BookmarkRow] | type[RecallCardRow]) -> str:
    with house.database.read() as session:
        return session.scalars(select(table.id)).one()


def ask(browser: TestClient, text: str = "how do I report a near miss") -> str:
    return str(browser.post("/ask", data={"text": text}).headers["location"])


def moment_of(recording: str, line: tuple[float, float, str] = LINES[2]) -> dict[str, str]:
    return {"recording": recording, "start": str(line[0]), "end": str(line[1])}


def make_card(browser: TestClient, recording: str, **more: str) -> None:
    reply = browser.post("/me/learning/cards", data=moment_of(recording) | {"kind": "cloze"} | more)
    assert reply.status_code == 303, reply.text


def rate(browser: TestClient, card: str, rating: str = "good", seen: str = "0") -> str:
    reply = browser.post(f"/me/learning/check/{card}", data={"rating": rating, "seen": seen})
    assert reply.status_code == 303
    return str(reply.headers["location"])


def test_nothing_is_kept_and_no_button_is_there_until_it_is_switched_on(company: WebHouse, recording: str) -> None:
    browser = signed_in(company, add_person(company, "Anna"))
    question = ask(browser)
    assert "Switch it on" in browser.get("/me/learning").text
    for page in (browser.get(question).text, browser.get(f"/recordings/{recording}").text):
        assert "Come back to" not in page
    for path, form in (
        ("/me/learning/marks", moment_of(recording)),
        ("/me/learning/cards", moment_of(recording) | {"kind": "cloze"}),
    ):
        assert browser.post(path, data=form).status_code == 400
    assert browser.get("/me/learning/asked").status_code == 400
    assert kept(company) == [0, 0, 0, 0]


def test_a_moment_of_an_answer_is_bookmarked_and_taken_back(
    company: WebHouse, anna: TestClient, recording: str
) -> None:
    question = ask(anna)
    form = moment_of(recording) | {"question": question.split("/")[-1]}
    assert "Come back to this" in anna.get(question).text
    for _ in range(2):
        assert anna.post("/me/learning/marks", data=form).headers["location"] == question
    assert kept(company) == [1, 1, 0, 0]
    assert "bookmarked" in anna.get(question).text
    page = anna.get("/me/learning/marks").text
    for told in ("safety induction", "Workplace safety", "0:10", "0:15", LINES[2][2], "how do I report a near miss"):
        assert told in page
    mark = only(company, BookmarkRow)
    partial = anna.post(f"/me/learning/marks/{mark}/delete", data=form, headers={"hx-request": "true"})
    assert "Come back to this" in partial.text
    assert "<html" not in partial.text
    assert kept(company) == [1, 0, 0, 0]


def test_a_second_on_the_recordings_page_is_the_line_that_is_said_then(
    company: WebHouse, anna: TestClient, recording: str
) -> None:
    assert "data-second-now" in anna.get(f"/recordings/{recording}").text
    reply = anna.post("/me/learning/marks", data={"recording": recording, "at": "0:12"}, headers={"hx-request": "true"})
    assert "0:10 is bookmarked" in reply.text
    anna.post("/me/learning/marks", data={"recording": recording, "at": "0:29"})
    with company.database.read() as session:
        found = [(row.start_s, row.end_s) for row in session.scalars(select(BookmarkRow).order_by(BookmarkRow.id))]
    assert found == [(10.0, 15.5), (29.0, 29.0)]
    page = anna.get("/me/learning/marks").text
    assert page.count("Make a recall card:") == 1, "where nothing is said there is nothing to ask"


def test_a_stretch_that_is_too_long_for_a_moment_is_shown_without_a_button(company: WebHouse, anna: TestClient) -> None:
    """One cue of a subtitle that stands for eleven minutes."""
    line = (0.0, 660.0, "The assembly, all of it.")
    recording = company.add_recording(name="assembly.wav", lines=[line], duration_s=700, playable=False)
    company.answer_with("assembly", recording, line)
    question = anna.get(ask(anna, "how does the assembly go"))
    assert question.status_code == 200
    assert "The assembly, all of it." in question.text
    assert "Come back to this" not in question.text
    asked = anna.get("/me/learning/asked").text
    assert "The assembly, all of it." in asked
    assert "Make a recall card:" not in asked
    reply = anna.post("/me/learning/marks", data={"recording": recording, "at": "1:40"}, headers={"hx-request": "true"})
    assert "1:40 is bookmarked" in reply.text, "the second alone"


@pytest.mark.parametrize(
    "odd",
    [
        {"at": "soon"},
        {"at": "31"},
        {"start": "nan", "end": "nan"},
        {"start": "5"},
        {"start": "9", "end": "5"},
        {"start": "-1", "end": "5"},
        {"start": "0", "end": "99999"},
        {"start": "400", "end": "401"},
    ],
)
def test_what_is_no_moment_is_refused_by_name(anna: TestClient, recording: str, odd: dict[str, str]) -> None:
    reply = anna.post("/me/learning/marks", data={"recording": recording} | odd)
    assert reply.status_code == 400
    assert "this is no moment of a recording" in reply.text.lower()


def test_a_note_is_shown_as_it_was_typed(company: WebHouse, anna: TestClient, recording: str) -> None:
    anna.post("/me/learning/marks", data=moment_of(recording))
    mark = only(company, BookmarkRow)
    assert anna.post(f"/me/learning/marks/{mark}/note", data={"note": HOSTILE}).status_code == 303
    page = anna.get("/me/learning/marks").text
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt; {{ 7*7 }} %(name)s \u202e =1+1</textarea>" in page
    assert anna.post(f"/me/learning/marks/{mark}/note", data={"note": "x" * 2001}).status_code == 400


@pytest.mark.parametrize("how", ["removed", "closed"])
def test_what_is_removed_or_closed_gives_out_no_word(
    company: WebHouse, anna: TestClient, recording: str, how: str
) -> None:
    question = ask(anna).split("/")[-1]
    anna.post("/me/learning/marks", data=moment_of(recording))
    anna.post(f"/me/learning/marks/{only(company, BookmarkRow)}/note", data={"note": "my own words"})
    make_card(anna, recording)
    make_card(anna, recording, kind="own-words", question=question)
    if how == "removed":
        remove_recording(company.database, recording)
        said = "This recording was removed."
    else:
        close_course(company, "Workplace safety")
        said = "This recording is not open to you any more."
    marks = anna.get("/me/learning/marks").text
    assert said in marks
    assert "my own words" in marks
    assert said in anna.get("/me/learning/cards").text
    assert "Nothing is due" in anna.get("/me/learning/check").text
    assert "0 cards due today" in anna.get("/me/learning").text
    paths = ("", "/marks", "/cards", "/check", "/data.json", "/asked")
    for path in (*(f"/me/learning{each}" for each in paths), "/me/data.json"):
        text = anna.get(path).text
        for word in (recording, "safety induction", "Workplace safety", "yellow"):
            assert word not in text, (path, word)
    refused = anna.post("/me/learning/marks", data=moment_of(recording))
    assert refused.status_code == (410 if how == "removed" else 404)


def test_a_card_is_made_asked_rated_and_taken_back(company: WebHouse, anna: TestClient, recording: str) -> None:
    for _ in range(2):
        make_card(anna, recording)
    card = only(company, RecallCardRow)
    assert "1 card due today" in anna.get("/me/learning").text
    page = anna.get("/me/learning/check").text
    asked, answer = page.split("<details data-reveal>")
    assert 'class="gap"' in asked
    assert "<mark>report</mark>" in answer
    assert "report" not in asked
    assert f"/media/{recording}#t=10,15.5" in answer
    after = rate(anna, card, "easy")
    page = anna.get(after).text
    assert "Nothing is due" in page
    [rated] = re.findall(r'name="rated" value="([^"]+)"', page)
    assert rate(anna, card, "again") == "/me/learning/check", "a second click on the same page does nothing"
    assert kept(company)[3] == 1
    anna.post("/me/learning/undo", data={"rated": rated})
    anna.post("/me/learning/undo", data={"rated": rated})
    assert kept(company)[3] == 0
    assert 'class="gap"' in anna.get(after).text
    assert "Undo the last rating" not in anna.get(after).text


def test_of_many_cards_only_the_one_that_is_asked_is_read(company: WebHouse, anna: TestClient, recording: str) -> None:
    for line in LINES:
        make_card(anna, recording, start=str(line[0]), end=str(line[1]))
    read: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM segment" in statement:
            read.append(statement)

    event.listen(company.database.engine, "before_cursor_execute", note)
    assert 'class="gap"' in anna.get("/me/learning/check").text
    event.remove(company.database.engine, "before_cursor_execute", note)
    assert len(read) == 2, "its own words, and what the recording says"
    assert not [statement for statement in read if "segment.words" in statement][1:], "without times of words"


def test_what_is_not_known_is_asked_again_in_the_same_sitting(
    company: WebHouse, anna: TestClient, recording: str
) -> None:
    make_card(anna, recording)
    rate(anna, only(company, RecallCardRow), "again")
    assert 'class="gap"' in anna.get("/me/learning/check").text


def test_ones_own_question_stands_in_front_and_the_moment_behind(
    company: WebHouse, anna: TestClient, recording: str
) -> None:
    question = ask(anna, "<b>near miss</b>, what now?").split("/")[-1]
    make_card(anna, recording, kind="own-words", question=question)
    asked, answer = anna.get("/me/learning/check").text.split("<details data-reveal>")
    assert "&lt;b&gt;near miss&lt;/b&gt;, what now?" in asked
    assert LINES[2][2] not in asked
    assert LINES[2][2] in answer
    anna.post(f"/me/questions/{question}/delete")
    assert kept(company)[2] == 0


def test_where_no_gap_can_be_made_only_ones_own_words_are_offered(company: WebHouse, anna: TestClient) -> None:
    line = (1.0, 4.0, "สวมหมวกนิรภัยก่อนเข้าพื้นที่")
    recording = company.add_recording(name="thai.wav", lines=[line], language="th", playable=False)
    company.answer_with("helmet", recording, line)
    question = ask(anna, "when do I wear a helmet").split("/")[-1]
    form = moment_of(recording, line)
    anna.post("/me/learning/marks", data=form)
    assert "Make a recall card:" not in anna.get("/me/learning/marks").text
    anna.post(f"/me/learning/marks/{only(company, BookmarkRow)}/delete")
    anna.post("/me/learning/marks", data=form | {"question": question})
    for page in (anna.get("/me/learning/marks").text, anna.get("/me/learning/asked").text):
        assert "Make a recall card:" in page
        assert 'value="cloze"' not in page
    assert anna.post("/me/learning/cards", data=form | {"kind": "cloze"}).status_code == 400
    make_card(anna, kind="own-words", question=question, **form)
    assert "when do I wear a helmet" in anna.get("/me/learning/check").text


def test_the_words_are_those_of_the_newest_transcript(company: WebHouse, anna: TestClient, recording: str) -> None:
    make_card(anna, recording)
    fresh = [spoken_segment(10.0, 15.5, "Write the accident on the crimson sheet.")]
    publish(company.database, recording, fresh)
    assert "<mark>accident</mark>" in anna.get("/me/learning/check").text
    publish(company.database, recording, [])
    assert "1 card due today" in anna.get("/me/learning").text
    check = anna.get("/me/learning/check").text
    assert "This card cannot be asked any more" in check, "a gap in nothing is not asked"
    assert 'class="gap"' not in check
    assert "nothing is said there any more" in anna.get("/me/learning/cards").text
    refused = anna.post("/me/learning/cards", data=moment_of(recording, LINES[0]) | {"kind": "cloze"})
    assert refused.status_code == 400
    assert "nothing is said in this moment" in refused.text.lower()


def test_a_card_that_cannot_be_asked_comes_after_those_that_can_and_is_deleted_where_it_is_told(
    company: WebHouse, anna: TestClient, recording: str
) -> None:
    make_card(anna, recording)
    stays = spoken_segment(1.0, 4.0, "Welcome to the safety induction.")
    make_card(anna, recording, start="1.0", end="4.0")
    publish(company.database, recording, [stays])
    assert "2 cards due today" in anna.get("/me/learning").text
    assert 'class="gap"' in anna.get("/me/learning/check").text, "that which can be asked first"
    with company.database.read() as session:
        gone, asked = [row.id for row in session.scalars(select(RecallCardRow).order_by(RecallCardRow.start_s.desc()))]
    rate(anna, asked, "easy")
    check = anna.get("/me/learning/check").text
    assert "1 card due today" in anna.get("/me/learning").text
    assert f'action="/me/learning/cards/{gone}/delete"' in check
    deleted = anna.post(f"/me/learning/cards/{gone}/delete", data={"then": "check"})
    assert deleted.headers["location"] == "/me/learning/check"
    assert "Nothing is due" in anna.get("/me/learning/check").text
    assert "0 cards due today" in anna.get("/me/learning").text


def publish(database: Database, recording: str, segments: list[object]) -> None:
    with database.write() as session:
        revision = transcripts.save_transcript(session, recording, "person", segments)  # type: ignore[arg-type]
        session.execute(update(RecordingRow).where(RecordingRow.id == recording).values(revision=revision))


def test_a_card_that_was_deleted_in_another_tab_is_not_there(
    company: WebHouse, anna: TestClient, recording: str
) -> None:
    make_card(anna, recording)
    card = only(company, RecallCardRow)
    assert anna.post(f"/me/learning/cards/{card}/delete").status_code == 303
    reply = anna.post(f"/me/learning/check/{card}", data={"rating": "good", "seen": "0"})
    assert reply.status_code == 404
    assert "go on with the next one" in reply.text.lower()
    assert anna.post(f"/me/learning/cards/{card}/delete").status_code == 404


def test_mastery_is_told_from_checks_and_never_from_questions(
    company: WebHouse, anna: TestClient, recording: str
) -> None:
    for _ in range(5):
        ask(anna)
    assert "Nothing was checked yet" in anna.get("/me/learning").text
    make_card(anna, recording)
    page = anna.get("/me/learning").text
    assert "not checked yet" in page
    assert "0 of 1 cards checked" in page
    rate(anna, only(company, RecallCardRow))
    page = anna.get("/me/learning").text
    assert "well remembered" in page
    assert "1 of 1 cards checked" in page


def test_what_was_asked_stands_under_its_day_where_the_company_is(company: WebHouse, recording: str) -> None:
    company.services = replace(company.services, time_zone=ZoneInfo("Asia/Shanghai"))
    browser = signed_in(company, add_person(company, "Anna"))
    browser.post("/me/learning/on")
    ask(browser, "an early near miss")
    ask(browser, "a late near miss")
    with company.database.write() as session:
        for text, at in (("an early near miss", "2026-01-01T15:59"), ("a late near miss", "2026-01-01T16:01")):
            moment = dt.datetime.fromisoformat(f"{at}+00:00")
            session.execute(update(QuestionRow).where(QuestionRow.text == text).values(created_at=moment))
    page = browser.get("/me/learning/asked").text
    assert re.findall(r'datetime="(2026-01-0\d)"', page) == ["2026-01-02", "2026-01-01"]
    assert "23:59" in page
    assert "00:01" in page
    assert "safety induction" in page


def test_one_finds_in_what_one_asked_oneself(company: WebHouse, anna: TestClient) -> None:
    ask(anna, "Where is the YELLOW form?")
    ask(anna, "黄色表格在哪里")
    bert = signed_in(company, add_person(company, "Bert"))
    ask(bert, "is the yellow form mine")
    found = anna.post("/me/learning/asked", data={"wanted": " yellow  FORM "}).text
    assert "Where is the YELLOW form?" in found
    assert "is the yellow form mine" not in found
    assert "黄色表格" not in found
    assert "黄色表格" in anna.post("/me/learning/asked", data={"wanted": "表格"}).text
    assert "You asked nothing with these words" in anna.post("/me/learning/asked", data={"wanted": "%_\x00"}).text


def test_all_of_it_is_taken_along_alone_and_with_the_rest(company: WebHouse, anna: TestClient, recording: str) -> None:
    anna.post("/me/learning/marks", data=moment_of(recording))
    anna.post(f"/me/learning/marks/{only(company, BookmarkRow)}/note", data={"note": "ask Bert"})
    make_card(anna, recording)
    rate(anna, only(company, RecallCardRow))
    alone = json.loads(anna.get("/me/learning/data.json").text)
    assert alone == json.loads(anna.get("/me/data.json").text)["learning"]
    assert alone["on"] is True
    assert [(each["note"], each["recording"], each["start_s"]) for each in alone["bookmarks"]] == [
        ("ask Bert", "safety induction", 10.0)
    ]
    assert [(each["kind"], each["checks"]) for each in alone["cards"]] == [("cloze", 1)]
    assert [each["rating"] for each in alone["reviews"]] == ["good"]


def test_switching_off_keeps_and_deleting_deletes(company: WebHouse, anna: TestClient, recording: str) -> None:
    anna.post("/me/learning/marks", data=moment_of(recording))
    make_card(anna, recording)
    anna.post("/me/learning/off")
    page = anna.get("/me/learning").text
    assert "1 bookmark is still kept." in page
    assert kept(company) == [1, 1, 1, 0]
    assert anna.post("/me/learning/delete").status_code == 400
    assert anna.post("/me/learning/delete", data={"sure": "yes"}).status_code == 303
    assert kept(company) == [0, 0, 0, 0]
    anna.post("/me/learning/on")
    anna.post("/me/learning/marks", data=moment_of(recording))
    anna.post("/me/learning/off", data={"sure": "yes"})
    assert kept(company) == [0, 0, 0, 0]
    assert "still kept" not in anna.get("/me/learning").text


def test_who_leaves_takes_it_along(company: WebHouse, anna: TestClient, recording: str) -> None:
    add_person(company, "Ada", Role.ADMIN)
    make_card(anna, recording)
    anna.post("/me/delete", data={"sure": "yes"})
    assert kept(company) == [0, 0, 0, 0]


@pytest.mark.parametrize("role", list(Role))
def test_nobody_else_sees_any_of_it(company: WebHouse, anna: TestClient, recording: str, role: Role) -> None:
    """Neither on pages and in exports nor by guessing, in the audit log or in the metrics."""
    other = signed_in(company, add_person(company, "Olga", role))
    other.post("/me/learning/on")
    anna.post("/me/learning/marks", data=moment_of(recording))
    mark = only(company, BookmarkRow)
    anna.post(f"/me/learning/marks/{mark}/note", data={"note": "sitzfleisch"})
    make_card(anna, recording)
    card = only(company, RecallCardRow)
    rated = rate(anna, card).split("=")[1]
    anna.post(f"/me/learning/check/{new_id()}", data={"rating": "good"})
    before = kept(company)
    for path in ("", "/marks", "/cards", "/check", f"/check?rated={rated}", "/asked", "/data.json"):
        text = other.get(f"/me/learning{path}").text
        assert not [word for word in ("sitzfleisch", mark, card, rated) if word in text and word not in path]
    for path in (f"/marks/{mark}/note", f"/marks/{mark}/delete", f"/cards/{card}/delete", f"/check/{card}"):
        reply = other.post(f"/me/learning{path}", data={"rating": "easy", "seen": "1", "note": "mine"})
        assert reply.status_code == 404, path
    other.post("/me/learning/undo", data={"rated": rated})
    other.post("/me/learning/delete", data={"sure": "yes"})
    assert kept(company) == [before[0] - 1, *before[1:]]
    assert "sitzfleisch" in anna.get("/me/learning/marks").text
    for path in ("/audit", "/audit/export.csv", "/people", "/me/data.json"):
        text = other.get(path).text
        assert not [word for word in ("sitzfleisch", "/me/learning/", mark, card) if word in text]
    with company.database.read() as session:
        noted = [str(row.__dict__) for row in session.scalars(select(AuditRow))]
    assert any("access-refused" in row for row in noted)
    assert not [row for row in noted if "learning" in row or mark in row or card in row]


def test_the_metrics_do_not_tell_checks_from_looking(company: WebHouse, anna: TestClient, recording: str) -> None:
    make_card(anna, recording)
    rate(anna, only(company, RecallCardRow))
    admin = program_of(company, add_person(company, "Ada", Role.ADMIN), Scope.METRICS)
    admin.get("/me/learning/check")
    own = anna.app.state.metrics.exposition(company.database).body.decode()  # type: ignore[attr-defined]
    for text in (own, admin.get("/metrics").text):
        assert 'route="/me"' in text
        assert "learning" not in text


def test_where_nobody_signs_in_a_browser_has_its_own(house: WebHouse) -> None:
    recording = house.add_recording()
    mine, others = stranger(house), stranger(house)
    for browser in (mine, others):
        browser.get("/")
        browser.post("/me/learning/on")
    mine.post("/me/learning/marks", data=moment_of(recording))
    assert "safety induction" in mine.get("/me/learning/marks").text
    assert "safety induction" not in others.get("/me/learning/marks").text
    assert others.post(f"/me/learning/marks/{only(house, BookmarkRow)}/delete").status_code == 404


def test_five_thousand_cards_do_not_slow_the_pages(company: WebHouse, anna: TestClient, recording: str) -> None:
    make_card(anna, recording)
    with company.database.write() as session:
        row = session.scalars(select(RecallCardRow)).one()
        columns = {column.name: getattr(row, column.name) for column in RecallCardRow.__table__.columns}
        for number in range(5_000):
            more = {"id": f"card-{number}", "start_s": number / 1000, "reviewed_at": utc_now(), "rated": "good"}
            session.add(RecallCardRow(**columns | more | {"stability": 3.0, "difficulty": 5.0, "reviews": 1}))
    for path in ("", "/cards", "/cards?page=250", "/cards?page=99999999999999999999", "/check"):
        began = time.process_time()
        reply = anna.get(f"/me/learning{path}")
        assert reply.status_code == 200
        assert time.process_time() - began < 1.5, path
    assert anna.get("/me/learning/cards").text.count('class="card row"') == 20
