"""Who asked is told on the pages that somebody has answered: a banner, a count, a list; until it is seen."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import event, update
from starlette.testclient import TestClient

from assistant.access.people import Person
from assistant.access.tables import PersonRow
from assistant.notices import store
from tests.assistant.notices import answered
from tests.web import people
from tests.web.house import WebHouse
from tests.web.people import close_course, signed_in, stranger, with_sign_in

BANNER = "A trainer has answered a question of yours:"
HOSTILE = "<script>alert(1)</script> %(name)s {{ 7 * 7 }}"


@pytest.fixture
def company(house: WebHouse) -> WebHouse:
    """Where mails are sent, too."""
    signing_in = with_sign_in(house)
    return replace(signing_in, services=replace(signing_in.services, mails=True))


def add_person(house: WebHouse, name: str, *, email: str | None = "anna@example.org") -> Person:
    person = people.add_person(house, name)
    with house.database.write() as session:
        session.execute(update(PersonRow).where(PersonRow.id == person.id).values(email=email))
    return person


def ask(browser: TestClient, text: str = "where is the form", **headers: str) -> str:
    """The question's id."""
    return browser.post("/ask", data={"text": text}, headers=headers).headers["location"].split("/")[-1]


def answer(house: WebHouse, *questions: str, course: str = "Safety") -> int:
    return answered.answer(house.database, *questions, course_id=answered.course(house.database, course))


def test_the_banner_and_the_count_stand_until_the_question_is_opened(company: WebHouse) -> None:
    anna, bert = (signed_in(company, add_person(company, name)) for name in ("Anna", "Bert"))
    question = ask(anna, HOSTILE)
    assert BANNER not in anna.get("/").text
    assert answer(company, question) == 1
    page = anna.get("/").text
    assert BANNER in page
    assert f'href="/questions/{question}"' in page
    assert "<script>alert(1)" not in page
    assert "1 new answer" in anna.get("/recordings").text
    assert BANNER not in bert.get("/").text
    assert "1 new answer" not in bert.get("/recordings").text
    assert bert.get(f"/questions/{question}").status_code == 404
    assert BANNER in anna.get("/").text

    opened = anna.get(f"/questions/{question}").text
    assert "new answer" not in opened
    assert BANNER not in anna.get("/").text
    assert "new answer" not in anna.get("/me").text
    assert f'href="/questions/{question}"' in anna.get("/me").text.split('id="questions"')[0]


def test_what_was_answered_since_is_no_question_without_an_answer(company: WebHouse) -> None:
    company.add_recording()
    anna = signed_in(company, add_person(company, "Anna"))
    question = ask(anna)
    assert '<span class="chip">no answer</span>' in anna.get("/").text
    answer(company, question)
    page = anna.get("/").text
    assert '<span class="chip good">answered</span>' in page
    assert "no answer" not in page


def test_of_many_the_page_names_three_and_leads_to_the_rest(company: WebHouse) -> None:
    browser = signed_in(company, add_person(company, "Anna"))
    for number in range(5):
        answer(company, ask(browser, f"question number {number}"))
    page = browser.get("/").text
    assert page.count(BANNER) == 3
    assert 'href="/me#answers"' in page
    assert "5 new answers" in page


def test_it_is_said_in_chinese(company: WebHouse) -> None:
    browser = signed_in(company, add_person(company, "Anna"))
    answer(company, ask(browser))
    page = browser.get("/", headers={"accept-language": "zh"}).text
    assert "培训师回答了您的一个问题：" in page
    assert "1 条新回答" in page


def test_a_right_that_was_taken_away_takes_the_banner_along(company: WebHouse) -> None:
    browser = signed_in(company, add_person(company, "Anna"))
    answer(company, ask(browser), course="Pricing")
    assert BANNER in browser.get("/").text
    close_course(company, "Pricing")
    assert BANNER not in browser.get("/").text
    assert "Answers from trainers</h2>\n<ul" not in browser.get("/me").text


def test_where_nobody_signs_in_the_browser_that_asked_is_told(house: WebHouse) -> None:
    browser = stranger(house)
    browser.get("/")
    question = ask(browser)
    assert answer(house, question) == 1
    assert BANNER in browser.get("/").text
    browser.get(f"/questions/{question}")
    assert BANNER not in browser.get("/").text
    assert "Tell me by mail" not in browser.get("/me").text
    assert browser.post("/me/notices", data={"mail": "yes"}).status_code == 404


def test_a_mail_is_wanted_until_the_tick_is_taken_away(company: WebHouse) -> None:
    anna = add_person(company, "Anna")
    browser = signed_in(company, anna)
    assert 'name="mail" value="yes" checked' in browser.get("/me").text
    assert browser.post("/me/notices", data={}).status_code == 303
    assert 'name="mail" value="yes">' in browser.get("/me").text
    assert json.loads(browser.get("/me/data.json").text)["person"]["notices_by_mail"] is False
    browser.post("/me/notices", data={"mail": "yes"})
    assert 'name="mail" value="yes" checked' in browser.get("/me").text


def test_no_tick_stands_where_no_mail_could_come(company: WebHouse) -> None:
    unmailed = replace(company, services=replace(company.services, mails=False))
    assert "Tell me by mail" not in signed_in(unmailed, add_person(unmailed, "Anna")).get("/me").text
    assert "Tell me by mail" not in signed_in(company, add_person(company, "Bert", email=None)).get("/me").text


def test_the_language_of_who_asks_is_known_for_a_mail(company: WebHouse) -> None:
    anna = add_person(company, "Anna")
    browser = signed_in(company, anna)
    for wanted in ("zh-CN,zh;q=0.9", "en"):
        ask(browser, **{"accept-language": wanted})
        with company.database.read() as session:
            assert store.choice_of(session, anna.id).language == wanted[:2]


def test_what_is_kept_of_notices_is_taken_along(company: WebHouse) -> None:
    browser = signed_in(company, add_person(company, "Anna"))
    question = ask(browser)
    answer(company, question)
    [told] = json.loads(browser.get("/me/data.json").text)["notices"]
    assert (told["question_id"], told["seen_at"], told["mail"]) == (question, None, "due")


@pytest.fixture
def writes(company: WebHouse) -> Iterator[list[str]]:
    """What was written to the database since."""
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "notice" in statement and not statement.startswith("SELECT"):
            written.append(statement)

    event.listen(company.database.engine, "before_cursor_execute", note)
    yield written
    event.remove(company.database.engine, "before_cursor_execute", note)


def test_who_looks_again_writes_nothing(company: WebHouse, writes: list[str]) -> None:
    """Each write waits for whoever else writes."""
    browser = signed_in(company, add_person(company, "Anna"))
    question = ask(browser)
    answer(company, question)
    browser.get(f"/questions/{question}")
    writes.clear()
    ask(browser)
    browser.get(f"/questions/{question}")
    assert writes == []
