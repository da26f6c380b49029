"""Topics made of what nobody should ask: hostile texts that come to name one, and one person who asks without end."""

import datetime as dt
import re
import time

import pytest
from sqlalchemy import insert

from assistant.access.role import Role
from assistant.questions.tables import QuestionRow, QuestionVectorRow
from assistant.topics.rules import TopicRules
from assistant.topics.updating import update_topics
from knowledge.database import new_id
from tests.assistant.topics.logs import MONDAY, ask, people
from tests.web.house import WebHouse
from tests.web.people import add_person, signed_in, with_sign_in
from tests.web.test_topics_page import HOSTILE, KINDS, pdf_text, xlsx_rows

NOW = MONDAY + dt.timedelta(days=8)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_question_that_names_a_topic_does_nothing(house: WebHouse, text: str) -> None:
    ask(house.database, people(12), about="leave", text=text)
    update_topics(house.database, TopicRules(), now=NOW, languages=None)
    house = with_sign_in(house)
    browser = signed_in(house, add_person(house, "Hanna", Role.HR))
    page = browser.get("/topics")
    assert page.status_code == 200
    (topic,) = set(re.findall(r'href="/topics/([0-9a-f-]{36})', page.text))
    for path in ("/topics", f"/topics/{topic}"):
        shown = browser.get(path).text
        assert "<script>alert" not in shown
        assert "<b>bold</b>" not in shown
        assert not set(shown) & {"\x00", "\x07", "\x1b", "\u202e"}
    files = {kind: browser.get(f"/topics/export.{kind}").content for kind in KINDS}
    for line in files["csv"].decode("utf-8").splitlines():
        assert not line.lstrip('\ufeff"').startswith(("=", "@", "+", "-"))
    assert xlsx_rows(files["xlsx"]), "opened again, without formulas and links"
    assert "12" in pdf_text(files["pdf"])
    drawn = browser.get("/topics/chart.svg")
    assert drawn.status_code == 200
    assert "<script" not in drawn.text


def test_one_person_who_asks_ten_thousand_times_is_one_of_six(house: WebHouse) -> None:
    ask(house.database, people(5), about="leave", text="how do I take leave")
    shout(house, 10_000)
    began = time.process_time()
    update_topics(house.database, TopicRules(), now=NOW, languages=None)
    assert time.process_time() - began < 10
    house = with_sign_in(house)
    browser = signed_in(house, add_person(house, "Hanna", Role.HR))
    page = browser.get("/topics").text
    assert "how do I take leave" in page
    assert "BUY MY CAR" not in page
    assert re.findall(r'data-label="(?:Questions|People)">(\d+)<', page)[:2] == ["10", "5"]


def shout(house: WebHouse, times: int) -> None:
    with house.database.write() as session:
        (vector,) = session.scalars(session.query(QuestionVectorRow.vector).limit(1).statement)
        ids = [new_id() for _ in range(times)]
        row = {"text": "BUY MY CAR", "language": "en", "spoken": False, "asker": "loud", "answer": {"hits": []}}
        row |= {"created_at": MONDAY + dt.timedelta(days=1), "course_id": "c1", "verdict": "answered"}
        session.execute(insert(QuestionRow), [row | {"id": each} for each in ids])
        vectors = [{"question_id": each, "digest": "d", "vector": vector} for each in ids]
        session.execute(insert(QuestionVectorRow), vectors)
