"""A whole company to try rights on: courses that are open, closed and another trainer's, whoever may come, and what is
somebody else's. Knows no route and nothing of what anybody is promised."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.testclient import TestClient

from assistant.access import course_rights, people, tokens
from assistant.access.caller import HERE, Scope
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.courses.receiving import receive
from assistant.courses.removing import remove_recording
from assistant.forgetting.keeping import Keeping
from assistant.inbox import answers
from assistant.inbox.tables import ItemState, OpenItemRow, OpenQuestionRow
from assistant.jobs import store as jobs
from assistant.learning import acts
from assistant.learning.fsrs_recall import FsrsRecall
from assistant.learning.kept import CardKind, Moment
from assistant.questions import log
from assistant.questions.sounds import keep_sound
from assistant.questions.tables import QuestionRow
from knowledge.database import new_id, utc_now
from knowledge.recordings import store as recordings
from tests.assistant.questions.made_answers import WAV
from tests.web import asked_topics
from tests.web.house import WebHouse, open_web_house, page_headers, write_tone
from tests.web.people import add_person, close_course, form_token_of, program_of, signed_in, stranger, with_sign_in
from web.limits import RateLimits

NO_LIMITS = RateLimits(questions=0, voice=0, uploads=0, requests=0, sign_ins=0)

CLOSED_LINES = ((0.5, 1.0, "Xertz is what we will pay."), (1.0, 2.5, "You report a near miss xertz."))
THEIR_LINES = ((0.5, 2.5, "You report a near miss with tarantism."),)
CANARIES = {"closed": ("zibeline", "quagswag", "xertz"), "theirs": ("sialoquent", "nudiustertian", "tarantism")}
"""Words of one closed course alone: its name, the name and title of its recording, its transcript."""
GROUP, INSIDERS, GUESTS = "Kakorrhaphiophobes", "Quomodocunquize", "Ulotrichous"
"""Who hears the closed courses: a group and, by their surname, people of the one; somebody of the other."""
FOREIGN_QUESTION = "where is the wobbegong"
LETTERS = str.maketrans("0123456789-", "ghijklmnopq")
"""So that what tells two things apart is no number, which would be masked."""


@dataclass(frozen=True, slots=True)
class Who:
    """`role`: "" for whom nobody knows. `teaches`, `listens`: courses by state. `scope`: of a token, None for a
    session. `own`: ids of what is the person's own, by parameter."""

    label: str
    client: TestClient
    role: str
    teaches: frozenset[str]
    listens: frozenset[str]
    scope: str | None
    own: dict[str, str]

    def hears(self, course: str) -> bool:
        return course == "open" or self.role == "admin" or course in self.teaches | self.listens

    def edits(self, course: str) -> bool:
        return self.role == "admin" or course in self.teaches


@dataclass(frozen=True, slots=True)
class Company:
    """`things`: ids by the parameter's name and the state."""

    house: WebHouse
    everybody: dict[str, Who]
    things: dict[str, dict[str, str]]
    tina: Person
    theo: Person

    def fresh(self, parameter: str, state: str, who: Who) -> str:
        """Another one of the same kind, to be changed or destroyed."""
        match parameter:
            case "course_id":
                return self._fresh_course(state)
            case "recording_id":
                return self._fresh_recording(state)
            case "person_id":
                return self._fresh_person(suspended=state == "suspended").id
            case "group_id":
                with self.house.database.write() as session:
                    return people.make_group(session, f"group {new_id()}").id
            case "topic_id":
                return _topic(self.house, f"topic {new_id()}", self.things["course_id"])
            case "question_id":
                return ask_as(self.house, who.own["person_id"])
            case "item_id":
                return open_item(self.house, self.things["course_id"][state])
            case "answer_id":
                return answered_item(self.house, self.things["course_id"][state])
            case "mark_id":
                return mark_as(self.house, who.own["person_id"], self.things["recording_id"]["open"])
            case "card_id":
                return card_as(self.house, who.own["person_id"], self.things["recording_id"]["open"])
            case _:
                return self.things[parameter].get(state) or who.own[parameter]

    def _fresh_course(self, state: str) -> str:
        teacher = self.theo if state == "theirs" else self.tina
        name = f"course {new_id()}"
        made = close_course(self.house, name, trainers=[teacher.id])
        if state == "open":
            with self.house.database.write() as session:
                course_rights.set_rights(session, made, open_to_all=True, groups=(), people=())
        return made

    def _fresh_recording(self, state: str) -> str:
        house = self.house
        source = write_tone(
            house.folder / f"{new_id()}.wav", duration_s=0.1, frequency_hz=100 + int(new_id()[-4:], 16) / 90
        )
        course_id = self.things["course_id"][state]
        received = receive(
            house.database, house.services.home, source, name="short.wav", course_id=course_id, least_free_mb=0
        )
        return received.recording_id

    def _fresh_person(self, *, suspended: bool) -> Person:
        made = add_person(self.house, f"person {new_id()}")
        if suspended:
            with self.house.database.write() as session:
                people.suspend(session, made.id)
        return made


def ask_as(house: WebHouse, asker: str, text: str = "near miss") -> str:
    """A question with a voice that is kept."""
    question_id = house.asking.text(text, courses=frozenset(), asker=asker).id
    keep_sound(house.services.home, question_id, WAV)
    return question_id


def open_item(house: WebHouse, course_id: str) -> str:
    """What nobody could answer, nearest to this course."""
    question_id = ask_as(house, new_id(), f"who knows {new_id()[-12:].translate(LETTERS)}")
    item_id = new_id()
    with house.database.write() as session:
        now = utc_now()
        session.get_one(QuestionRow, question_id).course_id = course_id
        session.add(OpenItemRow(id=item_id, state=ItemState.OPEN, course_id=course_id, made_at=now, changed_at=now))
        session.flush()
        session.add(OpenQuestionRow(question_id=question_id, item_id=item_id))
    return item_id


def answered_item(house: WebHouse, course_id: str) -> str:
    """A line for whoever may hear the course. The answer's id."""
    item_id = open_item(house, course_id)
    return answers.answer_with_line(
        house.database, HERE, item_id, question="who knows", line="ask me", course_id=course_id, now=utc_now()
    )


def mark_as(house: WebHouse, asker: str, recording_id: str, note: str = "") -> str:
    """A bookmark with a note, of somebody who wants to learn; another one each time."""
    acts.switch_on(house.database, asker, now=utc_now())
    place = Moment(recording_id, 0.5 + int(new_id()[-6:], 16) / 1e8, 1.0)
    mark = acts.bookmark(house.database, asker, place, question_id=None, now=utc_now())
    acts.note(house.database, asker, mark.id, note)
    return mark.id


def card_as(house: WebHouse, asker: str, recording_id: str) -> str:
    """The same of a recall card."""
    acts.switch_on(house.database, asker, now=utc_now())
    place = Moment(recording_id, 0.5 + int(new_id()[-6:], 16) / 1e8, 4.0)
    return acts.make_card(
        house.database, asker, place, CardKind.CLOZE, question_id=None, recall=FsrsRecall(), now=utc_now()
    ).id


def course_of(house: WebHouse, recording_id: str) -> str:
    with house.database.read() as session:
        found = recordings.recording(session, recording_id)
    assert found is not None
    return found.course_id


def open_company(folder: Path) -> Iterator[Company]:
    house = with_sign_in(open_web_house(folder))
    house.services = replace(house.services, limits=NO_LIMITS, keeping=Keeping(question_sounds_days=30))
    tina, theo = add_person(house, "Tina", Role.TRAINER), add_person(house, "Theo", Role.TRAINER)
    things = _furnish(house, tina, theo)
    house.services = replace(house.services, examples=lambda courses: _examples(things, courses))
    everybody = [*_sessions(house, tina, theo), *_programs(house, tina, theo), *_suspended(house, things)]
    house.asking.hits.clear()  # what is asked from now on is answered from what all may hear
    house.answer_with("near miss", things["recording_id"]["open"])
    for each in everybody:
        each.client.headers.update({**page_headers(), "origin": "https://127.0.0.1"})
        each.client.headers["x-csrf-token"] = form_token_of(each.client, "/sign-in")
    yield Company(house, {who.label: who for who in everybody}, things, tina, theo)
    house.database.close()


def _furnish(house: WebHouse, tina: Person, theo: Person) -> dict[str, dict[str, str]]:
    otto = add_person(house, f"Otto {GUESTS}")
    nell = add_person(house, f"Nell {INSIDERS}")
    heard = {
        "open": house.add_recording(duration_s=3),
        "closed": house.add_recording(name="quagswag.wav", course="Zibeline", lines=CLOSED_LINES, duration_s=4),
        "theirs": house.add_recording(name="nudiustertian.wav", course="Sialoquent", lines=THEIR_LINES, duration_s=5),
        "removed": house.add_recording(name="old.wav", duration_s=1, playable=False),
        "closed-removed": house.add_recording(name="quagswag old.wav", course="Zibeline", duration_s=2, playable=False),
    }
    for each in ("removed", "closed-removed"):
        remove_recording(house.database, heard[each])
    courses = {state: course_of(house, heard[state]) for state in ("open", "closed", "theirs")}
    close_course(house, "Zibeline", groups=[GROUP], people_ids=[nell.id], trainers=[tina.id])
    close_course(house, "Sialoquent", people_ids=[otto.id], trainers=[theo.id])
    with house.database.write() as session:
        course_rights.set_trainers(session, courses["open"], [tina.id])
        group = people.group_of_name(session, GROUP).id
        of_recording = {state: jobs.latest_of(session, heard[state]) for state in courses}
    # asked while all of it could be heard
    for state, line in (("closed", CLOSED_LINES[1]), ("theirs", THEIR_LINES[0])):
        house.answer_with("near miss", heard[state], line)
    house.answer_with("near miss", heard["open"])
    things = {
        "recording_id": heard,
        "course_id": courses,
        "job_id": {state: job.id for state, job in of_recording.items() if job is not None},
        "question_id": {"foreign": ask_as(house, otto.id, FOREIGN_QUESTION)},
        "token_id": {"foreign": _token_id(house, otto)},
        "mark_id": {"foreign": mark_as(house, otto.id, heard["open"], FOREIGN_QUESTION)},
        "card_id": {"foreign": card_as(house, otto.id, heard["open"])},
        "person_id": {"guest": otto.id, "insider": nell.id},
        "group_id": {"there": group},
        "topic_id": {"there": _topic(house, "near misses", courses), "into": _topic(house, "accidents", courses)},
    }
    things["item_id"] = {state: open_item(house, course_id) for state, course_id in courses.items()}
    things["answer_id"] = {state: answered_item(house, course_id) for state, course_id in courses.items()}
    for parameter in things:
        things[parameter]["absent"] = new_id()
    return things


def _topic(house: WebHouse, name: str, courses: dict[str, str]) -> str:
    """One that was asked about in every course. Its id."""
    made = asked_topics.topic(new_id(), name)
    asked_topics.publish(
        house.database,
        [made],
        [asked_topics.cell(made.id, asked_topics.LAST, course=course_id) for course_id in courses.values()],
    )
    return made.id


def _examples(things: dict[str, dict[str, str]], courses: frozenset[str]) -> list[str]:
    """Questions that lie in these courses."""
    wanted = {things["course_id"][state]: f"what is {words[2]}" for state, words in CANARIES.items()}
    return [example for course_id, example in wanted.items() if course_id in courses]


def _sessions(house: WebHouse, tina: Person, theo: Person) -> Iterator[Who]:
    yield Who("nobody", stranger(house), "", frozenset(), frozenset(), None, {})
    for label, person in (
        ("employee", add_person(house, "Emil")),
        ("hr", add_person(house, "Hanna", Role.HR)),
        ("compliance", add_person(house, "Carl", Role.COMPLIANCE)),
        ("insider", add_person(house, f"Ines {INSIDERS}", groups=[GROUP])),
        ("trainer", tina),
        ("other trainer", theo),
        ("admin", add_person(house, "Ada", Role.ADMIN)),
    ):
        yield _who(house, label, person, signed_in(house, person), None)


def _programs(house: WebHouse, tina: Person, theo: Person) -> Iterator[Who]:
    owners = (
        ("employee", add_person(house, "Erna")),
        ("trainer", tina),
        ("other trainer", theo),
        ("admin", add_person(house, "Alan", Role.ADMIN)),
    )
    for (label, person), scope in itertools.product(owners, Scope):
        yield _who(house, f"{label}'s {scope} token", person, program_of(house, person, scope), scope.value)


def _suspended(house: WebHouse, things: dict[str, dict[str, str]]) -> Iterator[Who]:
    """An admin until just now, with a session and a token."""
    susi = add_person(house, "Susi", Role.ADMIN)
    clients = {"suspended": signed_in(house, susi), "suspended's token": program_of(house, susi, *Scope)}
    own = _own(house, susi)
    with house.database.write() as session:
        people.suspend(session, susi.id)
    things["person_id"]["suspended"] = susi.id
    for label, client in clients.items():
        yield Who(label, client, "", frozenset(), frozenset(), None, own)


def _who(house: WebHouse, label: str, person: Person, client: TestClient, scope: str | None) -> Who:
    teaches = {"Tina": frozenset({"open", "closed"}), "Theo": frozenset({"theirs"})}.get(person.name, frozenset())
    listens = frozenset({"closed"} if label == "insider" else ())
    return Who(label, client, person.role.value, teaches, listens, scope, _own(house, person))


def _own(house: WebHouse, person: Person) -> dict[str, str]:
    """With a bookmark and a card of each recording that was asked about, whoever may hear it by now."""
    question_id = ask_as(house, person.id)
    answered = log.get(house.database, question_id)
    assert answered is not None
    places = [hit["recording_id"] for hit in answered.document["hits"]]
    return {
        "person_id": person.id,
        "question_id": question_id,
        "token_id": _token_id(house, person),
        "mark_id": [mark_as(house, person.id, each) for each in places][-1],
        "card_id": [card_as(house, person.id, each) for each in places][-1],
    }


def _token_id(house: WebHouse, person: Person) -> str:
    program_of(house, person, Scope.ASK)
    with house.database.read() as session:
        return tokens.tokens_of(session, person.id)[0].id
