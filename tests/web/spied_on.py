"""Company after company in one real home: asked, closed as the worker closes weeks, meddled with, and spied on by HR.

What the spy made of it is judged here, by what was really asked.
"""

import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Iterator

from sqlalchemy import select
from starlette.testclient import TestClient

from assistant.access import people
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.questions import log
from assistant.questions.tables import QuestionRow
from assistant.topics.rules import TopicRules
from assistant.topics.tables import TopicQuestionRow, TopicRow
from assistant.topics.updating import GRACE, update_topics
from assistant.topics.week import Week
from knowledge.database import Database
from knowledge.recordings import store as recordings
from tests.web.asking_companies import SUBJECTS, Company, ask_of_a_week, employ, empty, made_up
from tests.web.house import WebHouse
from tests.web.people import add_person, close_course, signed_in, with_sign_in
from tests.web.topics_attacker import FEWEST, NO_COURSE, OTHER_COURSES, Filter, Line, Spy, told, words_told

OPEN_COURSES = ("Safety", "Travel", "Machines", "Manners")
CLOSED_COURSE = "Board"
"""Which HR may not hear."""


class Office:
    """A real home where one company after another moves in, and HR's browser."""

    def __init__(self, house: WebHouse) -> None:
        for name in OPEN_COURSES:
            with house.database.write() as session:
                recordings.course_by_name(session, name, create=True)
        closed = close_course(house, CLOSED_COURSE)
        self.house = with_sign_in(house)
        self.hanna: Person = add_person(self.house, "Hanna", Role.HR)
        self.browser: TestClient = signed_in(self.house, self.hanna)
        self.browser.__enter__()  # one loop for all that it asks
        with house.database.read() as session:
            self.courses: dict[str | None, str] = {one.id: one.name for one in recordings.list_courses(session)}
        self.courses |= {closed: OTHER_COURSES, None: NO_COURSE}
        self.closed = closed

    def leave(self) -> None:
        self.browser.__exit__(None, None, None)

    @property
    def database(self) -> Database:
        return self.house.database

    def filters(
        self, chance: random.Random, company: Company, *, closed: list[str], topics: list[str]
    ) -> Iterator[Filter]:
        """Two of all that the page offers. `closed`: weeks that have."""
        for _ in range(2):
            since, until = sorted(chance.choices(closed, k=2))
            course = chance.choice(["", *company.courses])
            topic = chance.choice(["", *topics])
            if course in ("", None):  # what no course had anything for has no filter of its own
                yield Filter(since, until, topic=topic)
            else:
                yield Filter(since, until, "other" if course == self.closed else course, self.courses[course], topic)


class Story:
    """One company's weeks: asked, closed as the worker closes them, looked at, and meddled with in between."""

    def __init__(self, office: Office, chance: random.Random, *, paper: float = 0.1) -> None:
        self.office, self.chance, self.paper = office, chance, paper
        self.company = made_up(chance, [each for each in office.courses if each is not None])
        self.spy = Spy(office.browser)
        self.behind: dict[str, dict[Line, Counter[str]]] = {}
        self.gone: set[str] = set()
        self.merged: list[tuple[str, str]] = []
        self.asked_about: dict[str, set[str]] = defaultdict(set)

    def run(self) -> None:
        empty(self.office.database, but=self.office.hanna)
        with self.office.database.write() as session:
            employ(session, self.company)
        for number in range(self.company.weeks):
            with self.office.database.write() as session:
                ask_of_a_week(session, self.chance, self.company, number)
            self._remember_subjects()
            self._meddle()
            if number and self.chance.random() < 0.3:
                self.look(number - 1)
            if number + 1 == self.company.weeks or self.chance.random() < 0.85:  # else it is closed late, with the next
                self.close(number)
                self.look(number)
            if self.chance.random() < 0.4:
                self._meddle()
                self.look(number)

    def close(self, number: int) -> None:
        now = self.company.week(number).next().start(dt.UTC) + GRACE
        for week in update_topics(self.office.database, TopicRules(), now=now, languages=None):
            self.behind[str(week)] = _really_behind(self.office, week)

    def look(self, number: int) -> None:
        """At all that there is by the end of that week, closed or not."""
        whole = Filter(str(self.company.week(0)), str(self.company.week(number)))
        closed, topics = sorted(self.behind), sorted(self.spy.looks[-1].names) if self.spy.looks else []
        filters = self.office.filters(self.chance, self.company, closed=closed, topics=topics) if closed else ()
        sheets, paper = self.chance.random() < 0.5, self.chance.random() < self.paper
        self.spy.look(whole, filters, closed=max(closed, default=""), sheets=sheets, paper=paper)

    def _meddle(self) -> None:
        """Whatever HR may do with topics, and people with what they asked."""
        topics = sorted(self.spy.looks[-1].names) if self.spy.looks else []
        act = self.chance.choice(["nothing", "merge", "merge", "unmerge", "split", "rename", "delete", "forget"])
        if act in ("delete", "forget"):
            self._delete(forget=act == "forget")
        elif topics and act != "nothing":
            one, other = self.chance.choice(topics), self.chance.choice(topics)
            self._shape(act, one, other)

    def _shape(self, act: str, one: str, other: str) -> None:
        post = self.office.browser.post
        if act == "split":
            page = self.office.browser.get(f"/topics/{one}/split")
            agreed = page.text.partition('name="agreed" value="')[2].partition('"')[0]
            post(f"/topics/{one}/split", data={"agreed": agreed})
        elif act == "rename":
            post(f"/topics/{one}/name", data={"name": f"Renamed {self.chance.randrange(10**6)}"})
        elif post(f"/topics/{one}/{act}", data={"into": other}).status_code == 303 and act == "merge":
            self.merged.append((one, other))

    def _delete(self, *, forget: bool) -> None:
        one = self.chance.choice(self.company.people)
        if one.id in self.gone:
            return
        with self.office.database.write() as session:
            log.delete_questions_of(session, one.id)
            if forget:
                self.gone.add(one.id)
                people.delete_person(session, one.id)

    def found_out(self) -> list[str]:
        """What HR knows now and should not."""
        found = list(told(self.spy.looks, self.behind, one=_laid_together(self.merged)))
        secrets = {secret for one in self.company.people for secret in one.secrets}
        of_few = {subject for subject in SUBJECTS if len(self.asked_about[subject]) < FEWEST}
        return found + words_told(self.spy.looks, secrets | of_few)

    def _remember_subjects(self) -> None:
        """Who ever asked about each, also where it is deleted by now."""
        with self.office.database.read() as session:
            for text, asker in session.execute(select(QuestionRow.text, QuestionRow.asker)):
                subject = next(each for each in SUBJECTS if each in text)
                self.asked_about[subject].update([asker] if asker is not None else [])


def _really_behind(office: Office, week: Week) -> dict[Line, Counter[str]]:
    """Who asked what in a week that has just closed, each for the topic that it was merged into."""
    with office.database.read() as session:
        into = {row.id: row.merged_into for row in session.scalars(select(TopicRow))}
        query = select(QuestionRow.course_id, QuestionRow.asker, TopicQuestionRow.topic_id).outerjoin(
            TopicQuestionRow, TopicQuestionRow.question_id == QuestionRow.id
        )
        start, end = week.start(dt.UTC), week.next().start(dt.UTC)
        rows = session.execute(query.where(QuestionRow.created_at >= start, QuestionRow.created_at < end)).all()
    behind: dict[Line, Counter[str]] = defaultdict(Counter)
    for course, asker, topic in rows:
        while topic is not None and into[topic] is not None:
            topic = into[topic]
        if asker is not None:
            behind[topic, office.courses[course]][asker] += 1
    return dict(behind)


def _laid_together(merged: list[tuple[str, str]]) -> dict[str, str]:
    """Topics that were ever merged, also if it was taken back: the least of them stands for all."""
    together: dict[str, set[str]] = {}
    for one, other in merged:
        both = together.get(one, {one}) | together.get(other, {other})
        together |= dict.fromkeys(both, both)
    return {topic: min(those) for topic, those in together.items()}
