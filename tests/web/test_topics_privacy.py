"""What HR can find out of single people: random companies, attacked through pages and files alone.

`python -m bench.topics_attack` does the same with ten thousand.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from assistant.questions.log import delete_questions_of
from assistant.questions.tables import QuestionRow
from assistant.topics import publishing, store, updating
from assistant.topics.figures import Asked, Cell
from assistant.topics.publishing import publish
from assistant.topics.rules import TopicRules
from assistant.topics.tables import TopicCellRow, TopicQuoteRow, TopicWeekRow
from assistant.topics.updating import update_topics
from assistant.topics.week import Week
from tests.assistant.topics.logs import MONDAY, ask, people
from tests.web.asking_companies import empty
from tests.web.house import open_web_house
from tests.web.spied_on import Office, Story

COMPANIES = 40
Patch = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    house = open_web_house(tmp_path_factory.mktemp("privacy"))
    opened = Office(house)
    yield opened
    opened.leave()
    house.database.close()


@pytest.mark.slow
def test_nobody_is_found_out_through_pages_and_files(office: Office) -> None:
    shown = 0
    for seed in range(COMPANIES):
        story = Story(office, random.Random(seed), paper=0.3)
        story.run()
        assert story.found_out() == [], f"company {seed}"
        shown += len(story.spy.looks[-1].grid)
    assert shown > COMPANIES, "who sees nothing finds nothing out"


def test_no_page_changes_when_somebody_is_forgotten(office: Office) -> None:
    """Where HR gave the topic its name; else the words of whoever is forgotten go, and another question names it."""
    empty(office.database, but=office.hanna)
    ask(office.database, people(9), about="leave", text="how do I take leave")
    ask(office.database, people(9, "q"), about="leave", text="may I take leave in may")
    update_topics(office.database, TopicRules(), now=MONDAY + timedelta(days=8), languages=None)
    (topic,) = set(re.findall(r'href="/topics/([0-9a-f-]{36})', office.browser.get("/topics").text))
    assert office.browser.post(f"/topics/{topic}/name", data={"name": "Leave"}).status_code == 303
    with office.database.read() as session:
        named_by = session.scalar(select(QuestionRow.asker).join(TopicQuoteRow))
    addresses = ("/topics", f"/topics/{topic}", "/topics/chart.svg", "/topics/export.csv")
    before = [_but_for_the_hour(office.browser.get(address).text) for address in addresses]
    assert "how do I take leave" in before[0] or "may I take leave" in before[0], "an example, for many asked"
    for one in ("p3", "q7"):
        assert one != named_by
        with office.database.write() as session:
            delete_questions_of(session, one)
        assert [_but_for_the_hour(office.browser.get(address).text) for address in addresses] == before


def _but_for_the_hour(text: str) -> str:
    return re.sub(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC", "", text)


def without_hiding_further_cells(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(publishing, "_telling_cuts", lambda *_arguments: iter(()))


def with_cells_of_two(patched: pytest.MonkeyPatch) -> None:
    def of_two(asked: Iterable[Asked], week: Week, *, fewest: int) -> list[Cell]:
        return publish(asked, week, fewest=fewest - 3)

    patched.setattr(publishing, "FEWEST_ALLOWED", 2)
    patched.setattr(updating, "publish", of_two)
    patched.setattr(store, "_fewest_people", lambda _session: 2)


def with_exact_numbers(patched: pytest.MonkeyPatch) -> None:
    def exact(asked: Iterable[Asked], week: Week, *, fewest: int) -> list[Cell]:
        log = list(asked)
        return [_counted(cell, log) for cell in publish(log, week, fewest=fewest)]

    patched.setattr(updating, "publish", exact)


def _counted(cell: Cell, log: list[Asked]) -> Cell:
    inside = [each for each in log if (each.topic, each.course) == (cell.topic_id, cell.course_id) and each.asker]
    return replace(cell, questions=len(inside), people=len({each.asker for each in inside}))


def with_unmasked_words(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(updating, "shown_words", lambda text, _names: text)


def with_weeks_closed_again(patched: pytest.MonkeyPatch) -> None:
    """The last one, whenever a further one closes."""
    close_once = updating.close_next

    def close_again(database: object, *arguments: object, **more: object) -> object:
        with database.write() as session:  # type: ignore[attr-defined]
            last = updating.store.last_closed(session)
            if last is not None:
                session.execute(delete(TopicCellRow).where(TopicCellRow.week == last.week))
                session.execute(delete(TopicWeekRow).where(TopicWeekRow.week == last.week))
        close_once(database, *arguments, **more)  # type: ignore[arg-type]
        return close_once(database, *arguments, **more)  # type: ignore[arg-type]

    patched.setattr(updating, "close_next", close_again)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lawless", "found"),
    [
        (without_hiding_further_cells, "by totals of courses: "),
        (with_cells_of_two, "is shown, of "),
        (with_exact_numbers, "each of "),
        (with_unmasked_words, "it says: "),
        (with_weeks_closed_again, " and became "),
    ],
)
def test_the_attack_finds_what_a_missing_law_gives_away(
    office: Office, lawless: Patch, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lawless(monkeypatch)
    for seed in range(COMPANIES):
        story = Story(office, random.Random(seed))
        story.run()
        if any(found in claim for claim in story.found_out()):
            return
    pytest.fail("nothing was found out")
