"""Open questions by the eyes of trainers, of those who asked, and of those who may see neither."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from assistant.access.caller import Scope
from assistant.access.people import Person
from assistant.access.role import Role
from assistant.answering.ask import Asking
from assistant.courses.removing import remove_recording
from assistant.feedback.tables import FeedbackRow
from assistant.inbox import answers
from assistant.inbox.sorting import sort_open_questions
from assistant.inbox.tables import ItemState, OpenItemRow, OpenQuestionRow, TrainerAnswerRow
from assistant.questions.tables import QuestionRow
from assistant.topics.week import Week
from knowledge.database import new_id, utc_now
from knowledge.finding.analysis import ANALYSIS_VERSION, analyse
from knowledge.index.follower import IndexFollower
from knowledge.recordings.tables import RecordingRow
from knowledge.sentence_embedder import SentenceEmbedder
from tests.reading_engine import ReadingEngine
from tests.web.company import course_of
from tests.web.house import LINES, WebHouse, spoken_segment, write_tone
from tests.web.people import add_person, close_course, program_of, signed_in, with_sign_in

TABLETS, AGAIN = "Where do I charge the new tablets?", "Where can I charge the new tablets?"
SAID = [spoken_segment(*line) for line in LINES]
HOSTILE = "<img src=x onerror=alert(1)> %(name)s {{ 7*7 }} \u202eevil\u202c \u0645\u0631 \U0001f648 " + "w" * 300


@dataclass
class Desk:
    """Tina's course, which Emil and Erna may hear, and one recording in it; questions are really looked for."""

    house: WebHouse
    engine: ReadingEngine
    recording: str
    course: str
    tina: Person
    emil: Person
    trainer: TestClient
    employee: TestClient
    colleague: TestClient

    def ask(self, text: str = TABLETS, *, by: TestClient | None = None) -> str:
        """The address of its answer."""
        reply = (by or self.employee).post("/ask", data={"text": text})
        assert reply.status_code == 303, reply.text
        return reply.headers["location"]

    def open_item(self, text: str = TABLETS, *, by: TestClient | None = None) -> str:
        """The address of what trainers see of a question that is asked now."""
        question = self.ask(text, by=by).rsplit("/", 1)[-1]
        sort_open_questions(self.house.database, now=utc_now())
        with self.house.database.read() as session:
            return f"/inbox/{session.get_one(OpenQuestionRow, question).item_id}"

    def say(self, item: str, line: str = "In the grey cupboard.", *, by: TestClient | None = None) -> httpx.Response:
        form = {"question": TABLETS, "line": line, "course": self.course}
        return (by or self.trainer).post(f"{item}/line", data=form)

    def state(self, item: str) -> ItemState:
        with self.house.database.read() as session:
            return session.get_one(OpenItemRow, item.rsplit("/", 1)[-1]).state

    def made(self) -> list[TrainerAnswerRow]:
        with self.house.database.read() as session:
            return list(session.scalars(select(TrainerAnswerRow).where(TrainerAnswerRow.withdrawn_at.is_(None))))

    def judged(self) -> list[tuple[str, str | None]]:
        with self.house.database.read() as session:
            return [(row.kind.value, row.recording_id) for row in session.scalars(select(FeedbackRow))]

    def publish(self, recording_id: str) -> None:
        """As a worker does once it has written down what is said there."""
        self.engine.make_findable(self.house.database, recording_id, SAID)
        with self.house.database.write() as session:
            session.get_one(RecordingRow, recording_id).duration_s = 30.0


@pytest.fixture
def desk(house: WebHouse, packaged_embedder: SentenceEmbedder, tmp_path: Path) -> Iterator[Desk]:
    index = IndexFollower(house.database, tmp_path / "index", analyse=analyse, analysis_version=ANALYSIS_VERSION)
    engine = ReadingEngine(packaged_embedder)
    house = with_sign_in(house)
    house.services = replace(house.services, asking=Asking(house.database, engine, index))
    recording = house.add_recording()
    tina, emil, erna = (
        add_person(house, name, role)
        for name, role in (("Tina", Role.TRAINER), ("Emil", Role.EMPLOYEE), ("Erna", Role.EMPLOYEE))
    )
    close_course(house, "Workplace safety", people_ids=[emil.id, erna.id], trainers=[tina.id])
    browsers = [signed_in(house, each) for each in (tina, emil, erna)]
    made = Desk(house, engine, recording, course_of(house, recording), tina, emil, *browsers)
    made.publish(recording)
    yield made
    index.close()


def told(page: str) -> str:
    """What a page says, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[1].split("</main>")[0]).split()).replace(" ,", ",")


class TestTheList:
    def test_what_nobody_could_answer_is_listed_without_its_asker(self, desk: Desk) -> None:
        desk.open_item()
        desk.open_item("my number is 0171 5551234, who has the form?", by=desk.colleague)
        page = desk.trainer.get("/inbox").text
        assert TABLETS in page
        assert "asked once since" in told(page)
        for hidden in ("5551234", "Emil", "Erna", desk.emil.id):
            assert hidden not in page

    def test_most_asked_comes_first_and_the_desk_shows_the_first_five(self, desk: Desk) -> None:
        for word in ("radios", "forks", "gloves", "boots", "masks"):
            desk.open_item(f"Who orders more {word}?")
        for by in (desk.employee, desk.colleague):
            desk.open_item(by=by)
        page = desk.trainer.get("/jobs").text
        assert page.count('class="row-title" id="open-') == 5
        assert page.index(TABLETS) < page.index("Who orders")
        assert "1 more, asked less often." in told(page)
        assert desk.trainer.get("/inbox").text.count('class="row-title" id="open-') == 6

    def test_the_list_is_renewed_only_where_it_changed(self, desk: Desk) -> None:
        def renewed(page: str) -> httpx.Response:
            [address] = re.findall(r'hx-get="(/inbox/list[^"]+)"', page)
            return desk.trainer.get(address.replace("&amp;", "&"), headers={"hx-request": "true"})

        before = desk.trainer.get("/inbox").text
        assert renewed(before).status_code == 204
        desk.open_item()
        reply = renewed(before)
        assert reply.status_code == 200
        assert "<html" not in reply.text
        assert TABLETS in reply.text
        assert renewed(reply.text).status_code == 204

    def test_the_menu_says_how_many_wait_to_those_who_may_answer(self, desk: Desk) -> None:
        number = re.compile(r'href="/jobs"[^>]*>Trainer’s desk <span class="chip"><span aria-hidden="true">(\d+)<')
        assert not number.search(desk.trainer.get("/").text)
        desk.open_item()
        assert number.findall(desk.trainer.get("/").text) == ["1"]
        assert "/inbox" not in desk.employee.get("/").text

    @pytest.mark.parametrize("most", ["0", "-1", "101", "x", ""])
    def test_no_other_length_of_list_is_taken(self, desk: Desk, most: str) -> None:
        assert desk.trainer.get(f"/inbox/list?most={most}").status_code == 422


class TestAnswering:
    def test_by_a_moment_of_the_list(self, desk: Desk) -> None:
        item = desk.open_item()
        page = desk.trainer.post(f"{item}/search", data={"words": "pallet came down"}).text
        form = page.split('action="' + item + '/moment"')[1].split("</form>")[0]
        assert "pallet" in told("<main>" + page.split("<ol")[1] + "</main>")
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        reply = desk.trainer.post(f"{item}/moment", data=fields)
        assert (reply.status_code, reply.headers["location"]) == (303, "/inbox")
        [made] = desk.made()
        assert (made.recording_id, made.start_s, made.question) == (desk.recording, 5.0, TABLETS)
        assert desk.state(item) is ItemState.ANSWERED

    @pytest.mark.parametrize("before", ["", "https://earmark.example.com", "http://127.0.0.1:8000", "  "])
    def test_by_a_copied_link_whatever_name_the_server_has(self, desk: Desk, before: str) -> None:
        item, link = desk.open_item(), f"{before}/recordings/{desk.recording}?t=10.5"
        reply = desk.trainer.post(f"{item}/moment", data={"question": TABLETS, "link": link})
        assert reply.status_code == 303
        [made] = desk.made()
        assert (made.start_s, made.end_s) == (10.5, 15.5)

    @pytest.mark.parametrize(
        "link",
        [
            *("", "javascript:alert(1)", "http://[::1/recordings/x?t=1", "/recordings/none?t=1", "/courses?t=1"),
            *("/recordings/{id}", "/recordings/{id}?t=", "/recordings/{id}?t=-1", "/recordings/{id}?t=nan"),
            *("/recordings/{id}?t=1e3", "/recordings/{id}?t=31", "/recordings/{id}?t=" + "9" * 400),
            *("ftp://127.0.0.1/recordings/{id}?t=1", "javascript:/recordings/{id}?t=1", "/recordings/{other}?t=1"),
            *("/recordings/{id}/captions?t=1", "/recordings/{id}?t=1&t=-1"),
        ],
    )
    def test_a_link_to_no_moment_is_refused_and_kept_in_its_field(self, desk: Desk, link: str) -> None:
        item, link = desk.open_item(), link.replace("{id}", desk.recording).replace("{other}", new_id())
        reply = desk.trainer.post(f"{item}/moment", data={"question": TABLETS, "link": link})
        assert reply.status_code == 400
        assert 'role="alert"' in reply.text
        assert f'name="link" value="{link.replace("&", "&amp;")}"' in reply.text
        assert desk.state(item) is ItemState.OPEN

    def test_by_a_line_with_name_and_date(self, desk: Desk) -> None:
        item = desk.open_item()
        assert desk.say(item).status_code == 303
        page = told(desk.trainer.get("/inbox").text)
        assert "In the grey cupboard. Workplace safety · Tina," in page
        assert f"{utc_now():%Y}" in page

    @pytest.mark.parametrize(("field", "value"), [("line", "  "), ("line", "x" * 2_001), ("question", "")])
    def test_what_was_typed_stays_where_it_is_refused(self, desk: Desk, field: str, value: str) -> None:
        item = desk.open_item()
        form = {"question": "Charging tablets", "line": "In the grey cupboard.", "course": desk.course} | {field: value}
        reply = desk.trainer.post(f"{item}/line", data=form)
        assert reply.status_code == 400
        assert f">{form['line']}</textarea>" in reply.text
        assert f'name="question" value="{form["question"]}"' in reply.text
        assert desk.made() == []

    def test_a_very_long_question_can_be_answered_with_a_moment(self, desk: Desk) -> None:
        item = desk.open_item("where do i charge it " * 90)
        page = desk.trainer.get(item).text
        [question] = set(re.findall(r'type="hidden" name="question" value="([^"]*)"', page))
        link = f"/recordings/{desk.recording}?t=10"
        assert desk.trainer.post(f"{item}/moment", data={"question": question, "link": link}).status_code == 303

    def test_by_a_new_recording_as_soon_as_it_is_findable(self, desk: Desk, tmp_path: Path) -> None:
        address, item = desk.ask(), desk.open_item()
        sound = write_tone(tmp_path / "tablets.wav", duration_s=2, frequency_hz=330).read_bytes()

        def upload() -> httpx.Response:
            files = {"file": ("tablets.wav", sound, "audio/wav")}
            return desk.trainer.post(
                f"{item}/recording", data={"question": TABLETS, "course": "Workplace safety"}, files=files
            )

        assert upload().status_code == 303
        assert "a recording is on its way" in desk.trainer.get("/inbox").text
        page = desk.trainer.get(item).text
        assert "A new recording answers it as soon as it is findable." in page
        assert 'type="file"' not in page
        again = upload()
        assert again.status_code == 409
        assert "a new recording is on its way" in again.text.lower()
        with desk.house.database.read() as session:
            coming = session.get_one(OpenItemRow, item.rsplit("/", 1)[-1]).recording_id
        assert coming is not None
        desk.publish(coming)
        answers.settle_coming(desk.house.database, now=utc_now())
        [made] = desk.made()
        assert (made.recording_id, made.start_s, made.end_s) == (coming, 1.0, 26.0)
        assert f"/recordings/{coming}?t=1.000" in desk.employee.get(address).text

    def test_an_upload_that_comes_too_late_is_not_taken_in(self, desk: Desk, tmp_path: Path) -> None:
        item = desk.open_item()
        desk.say(item)
        sound = write_tone(tmp_path / "tablets.wav", duration_s=1).read_bytes()
        reply = desk.trainer.post(f"{item}/recording", data={"question": "T"}, files={"file": ("late.wav", sound)})
        assert reply.status_code == 409
        assert "late" not in desk.trainer.get("/recordings").text

    def test_what_is_set_aside_can_be_opened_again(self, desk: Desk) -> None:
        item = desk.open_item()
        assert desk.trainer.post(f"{item}/set-aside").status_code == 303
        assert "This was set aside." in desk.trainer.get(item).text
        assert TABLETS in desk.trainer.get("/inbox").text.split("<summary")[1]
        assert desk.trainer.post(f"{item}/set-aside").status_code == 409
        assert desk.say(item).status_code == 409
        assert desk.trainer.post(f"{item}/open").status_code == 303
        assert desk.state(item) is ItemState.OPEN

    def test_an_answer_that_is_taken_back_is_nobodys_any_more(self, desk: Desk) -> None:
        address, item = desk.ask(), desk.open_item()
        desk.say(item)
        [made] = desk.made()
        assert desk.trainer.post(f"/inbox/answers/{made.id}/withdraw").status_code == 303
        assert desk.state(item) is ItemState.OPEN
        assert "grey cupboard" not in desk.employee.get(address).text
        assert "A trainer has answered" not in desk.employee.get("/").text
        assert "grey cupboard" not in desk.colleague.get(desk.ask(AGAIN, by=desk.colleague)).text

    @pytest.mark.parametrize("lost", ["taken back", "closed"])
    def test_who_was_shown_an_answer_is_told_nothing_for_certain_once_it_is_lost(self, desk: Desk, lost: str) -> None:
        desk.say(desk.open_item())
        address = desk.ask(AGAIN, by=desk.colleague)
        assert "grey cupboard" in desk.colleague.get(address).text
        assert "grey cupboard" in desk.colleague.get("/me/data.json").text
        if lost == "taken back":
            [made] = desk.made()
            desk.trainer.post(f"/inbox/answers/{made.id}/withdraw")
        else:
            close_course(desk.house, "Workplace safety", people_ids=[desk.emil.id], trainers=[desk.tina.id])
        page = desk.colleague.get(address).text
        assert "grey cupboard" not in page
        assert "strong match" not in page
        assert "grey cupboard" not in desk.colleague.get("/me/data.json").text

    def test_a_question_that_a_removed_recording_answered_is_open_again(self, desk: Desk) -> None:
        address, item = desk.ask(), desk.open_item()
        link = f"/recordings/{desk.recording}?t=10"
        desk.trainer.post(f"{item}/moment", data={"question": TABLETS, "link": link})
        assert "A trainer has answered this" in desk.employee.get(address).text
        remove_recording(desk.house.database, desk.recording)
        answers.give_up_removed(desk.house.database, now=utc_now())
        assert "A trainer has answered this" not in desk.employee.get(address).text
        assert TABLETS in told(desk.trainer.get("/jobs").text)


class TestTwoTrainers:
    @pytest.fixture
    def tom(self, desk: Desk) -> TestClient:
        """Teaches beside Tina."""
        tom = add_person(desk.house, "Tom", Role.TRAINER)
        close_course(desk.house, "Workplace safety", people_ids=[desk.emil.id], trainers=[desk.tina.id, tom.id])
        return signed_in(desk.house, tom)

    def test_the_second_is_shown_the_first_ones_answer_and_keeps_what_was_written(
        self, desk: Desk, tom: TestClient
    ) -> None:
        item = desk.open_item()
        assert tom.get(item).status_code == 200
        desk.say(item)
        reply = desk.say(item, "Beside the printer.", by=tom)
        assert reply.status_code == 409
        page = told(reply.text)
        assert "somebody has answered this in the meantime" in page
        assert "In the grey cupboard. Workplace safety · Tina," in page
        assert "Beside the printer." in page
        assert [each.line for each in desk.made()] == ["In the grey cupboard."]
        assert f"/inbox/answers/{desk.made()[0].id}/withdraw" in reply.text

    def test_whoever_may_not_hear_the_answers_course_is_told_no_more(self, desk: Desk) -> None:
        ola = signed_in(desk.house, add_person(desk.house, "Ola", Role.TRAINER))
        with desk.house.database.write() as session:
            session.execute(update(QuestionRow).values(course_id=None))
        item = desk.open_item("who has the key to the roof?")
        with desk.house.database.write() as session:
            session.execute(update(QuestionRow).values(course_id=None))
        assert ola.get(item).status_code == 200
        desk.say(item)
        page = ola.get(item).text
        assert "for a course that you may not hear" in page
        assert "grey cupboard" not in page
        assert "grey cupboard" not in ola.get("/inbox").text
        assert ola.post(f"{item}/line", data={"question": "T", "line": "x", "course": desk.course}).status_code == 409


class TestWhoMay:
    @pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.HR, Role.COMPLIANCE, Role.TRAINER])
    def test_others_see_nothing_of_a_closed_course(self, desk: Desk, role: Role) -> None:
        item = desk.open_item()
        other = signed_in(desk.house, add_person(desk.house, "Olga", role))
        assert TABLETS not in other.get("/inbox").text
        assert other.get("/inbox").status_code == (200 if role is Role.TRAINER else 404)
        form = {"question": "T", "line": "x", "course": desk.course, "link": f"/recordings/{desk.recording}?t=1"}
        for way in ("line", "moment", "search", "set-aside", "open"):
            assert other.post(f"{item}/{way}", data=form).status_code == 404, way
        files = {"file": ("talk.wav", b"RIFF")}
        assert other.post(f"{item}/recording", data=form, files=files).status_code == 404
        assert other.get(item).status_code == 404
        desk.say(item)
        [made] = desk.made()
        assert other.post(f"/inbox/answers/{made.id}/withdraw").status_code == 404

    def test_a_trainer_answers_into_courses_of_their_own_alone(self, desk: Desk) -> None:
        """Ola may hear the course, and teaches another one."""
        ola = add_person(desk.house, "Ola", Role.TRAINER)
        close_course(desk.house, "Other", trainers=[ola.id])
        item = desk.open_item()
        close_course(desk.house, "Workplace safety", people_ids=[desk.emil.id, ola.id], trainers=[desk.tina.id])
        browser = signed_in(desk.house, ola)
        assert browser.get(item).status_code == 200
        assert desk.say(item, by=browser).status_code == 403
        link = f"/recordings/{desk.recording}?t=1"
        assert browser.post(f"{item}/moment", data={"question": "T", "link": link}).status_code == 403
        assert desk.made() == []


class TestThoseWhoAsked:
    def test_a_line_is_shown_with_name_and_day_and_the_banner_goes_once_it_was_seen(self, desk: Desk) -> None:
        address, item = desk.ask(), desk.open_item()
        desk.say(item)
        first = desk.employee.get("/").text
        assert "A trainer has answered a question of yours:" in first
        newest = re.findall(r'href="(/questions/[^"]+)" dir="auto">', first)[0]
        page = told(desk.employee.get(newest).text)
        assert "A trainer has answered this In the grey cupboard. Workplace safety · Tina," in page
        assert "A trainer has answered a question of yours:" not in desk.employee.get("/").text
        assert "In the grey cupboard." in desk.employee.get(address).text

    def test_a_moment_is_shown_with_a_link_that_plays_it(self, desk: Desk) -> None:
        address, item = desk.ask(), desk.open_item()
        link = f"/recordings/{desk.recording}?t=10"
        desk.trainer.post(f"{item}/moment", data={"question": TABLETS, "link": link})
        page = desk.employee.get(address).text
        assert f'href="/recordings/{desk.recording}?t=10.000"' in page
        assert "Play from 0:10" in page
        assert desk.employee.get(f"/recordings/{desk.recording}?t=10.000").status_code == 200

    def test_a_line_is_judged_for_itself_and_the_judgement_taken_back(self, desk: Desk) -> None:
        address = desk.ask()
        desk.say(desk.open_item(by=desk.colleague))
        page = desk.employee.get(address).text
        assert "Was this it? what the trainer answered Yes None of it" in told(page)
        reply = desk.employee.post(
            f"{address}/judgement", data={"said": "yes", "rank": ""}, headers={"hx-request": "true"}
        )
        assert "Thank you. What the trainer answered was it." in reply.text
        assert desk.judged() == [("yes", None)]
        assert "Thank you. What the trainer answered was it. Undo" in told(desk.employee.get(address).text)
        desk.employee.post(f"{address}/judgement", data={"said": "nothing"})
        assert desk.judged() == []

    def test_who_asked_the_same_later_judges_the_line_too(self, desk: Desk) -> None:
        desk.say(desk.open_item())
        address = desk.ask(AGAIN, by=desk.colleague)
        desk.colleague.post(f"{address}/judgement", data={"said": "yes"})
        assert desk.judged() == [("yes", None)]
        assert "What the trainer answered was it." in told(desk.colleague.get(address).text)
        assert desk.employee.post(f"{address}/judgement", data={"said": "yes"}).status_code == 404

    def test_a_program_judges_the_line_by_a_yes_without_a_rank(self, desk: Desk) -> None:
        desk.say(desk.open_item(by=desk.colleague))
        program = program_of(desk.house, desk.emil, Scope.ASK)
        path = f"/api/v1/questions/{program.post('/api/v1/questions', json={'text': AGAIN}).json()['id']}/judgement"
        assert program.post(path, json={"said": "yes"}).json() == {"said": "yes", "rank": None}
        assert desk.judged() == [("yes", None)]
        assert program.post(path, json={"said": "nothing"}).status_code == 200
        assert desk.judged() == []

    def test_a_line_that_was_not_it_leaves_the_question_open(self, desk: Desk) -> None:
        address = desk.ask()
        desk.say(desk.open_item(by=desk.colleague))
        assert 'class="row-title" id="open-' not in desk.trainer.get("/inbox").text
        desk.employee.post(f"{address}/judgement", data={"said": "no"})
        sort_open_questions(desk.house.database, now=utc_now())
        assert desk.trainer.get("/inbox").text.count('class="row-title" id="open-') == 1

    def test_a_yes_to_an_answer_that_is_taken_back_is_none_any_more(self, desk: Desk) -> None:
        address = desk.ask()
        item = desk.open_item(by=desk.colleague)
        desk.say(item)
        desk.employee.post(f"{address}/judgement", data={"said": "yes"})
        [made] = desk.made()
        assert desk.trainer.post(f"/inbox/answers/{made.id}/withdraw").status_code == 303
        assert desk.judged() == []
        sort_open_questions(desk.house.database, now=utc_now())
        assert "asked 2 times" in told(desk.trainer.get("/inbox").text)

    @pytest.mark.parametrize("rank", ["0", "-1", "x", "²", "9"])
    def test_a_rank_that_no_moment_has_is_never_taken_for_the_line(self, desk: Desk, rank: str) -> None:
        address = desk.ask()
        desk.say(desk.open_item(by=desk.colleague))
        for way in ("judgement", "played"):
            reply = desk.employee.post(f"{address}/{way}", data={"said": "yes", "rank": rank})
            assert reply.status_code == 400
        assert desk.employee.post(f"{address}/played", data={"rank": ""}).status_code == 400
        assert desk.judged() == []

    @pytest.mark.parametrize("way", ["line", "moment"])
    def test_who_asks_the_same_gets_it_first(self, desk: Desk, way: str) -> None:
        item = desk.open_item()
        form = {"question": TABLETS, "line": "In the grey cupboard.", "course": desk.course}
        desk.trainer.post(f"{item}/{way}", data=form | {"link": f"/recordings/{desk.recording}?t=10"})
        page = desk.colleague.get(desk.ask(AGAIN, by=desk.colleague)).text
        assert "A trainer has answered this" in page
        if way == "line":
            assert "In the grey cupboard." in page
        else:
            assert re.findall(r'data-moment data-recording="[^"]+" data-start="([^"]+)"', page)[0] == "10.0"
        assert TABLETS not in told(desk.trainer.get("/jobs").text), "it is not open again"

    def test_who_may_not_hear_the_course_gets_neither(self, desk: Desk) -> None:
        item = desk.open_item()
        desk.say(item)
        guest = signed_in(desk.house, add_person(desk.house, "Gus"))
        page = guest.get(desk.ask(by=guest)).text
        assert "A trainer has answered" not in page
        assert "grey cupboard" not in page

    def test_who_lost_the_course_since_sees_the_answer_no_more(self, desk: Desk) -> None:
        address, item = desk.ask(), desk.open_item()
        desk.say(item)
        close_course(desk.house, "Workplace safety", trainers=[desk.tina.id])
        assert "grey cupboard" not in desk.employee.get(address).text
        assert "A trainer has answered" not in desk.employee.get("/").text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_hostile_words_are_words(desk: Desk, language: str) -> None:
    for browser in (desk.trainer, desk.employee):
        browser.post("/language", data={"language": language, "back": "/"})
    address, item = desk.ask(HOSTILE), desk.open_item(HOSTILE)
    form = {"question": HOSTILE[:400], "line": HOSTILE, "course": desk.course}
    typed = desk.trainer.post(f"{item}/line", data=form | {"question": ""})
    assert typed.status_code == 400
    pages = [typed.text, *(desk.trainer.get(path).text for path in ("/jobs", "/inbox", item))]
    assert desk.trainer.post(f"{item}/line", data=form).status_code == 303
    pages += [desk.trainer.get("/inbox").text, desk.trainer.get(item).text]
    pages += [desk.employee.get("/").text, desk.employee.get(address).text, desk.employee.get("/me").text]
    for page in pages:
        assert "onerror=alert(1)&gt;" in page
        assert "<img src=x" not in page
        assert "{{ 7*7 }}" in page


class TestDoesItGetBetter:
    def test_a_share_is_told_of_closed_weeks_with_enough_people(self, desk: Desk) -> None:
        assert "shown here once a week is over" in told(desk.trainer.get("/inbox").text)
        for number in range(5):
            person = signed_in(desk.house, add_person(desk.house, f"Person {number}"))
            desk.ask(by=person)
        assert "shown here once a week is over" in told(desk.trainer.get("/inbox").text), "it is not over"
        with desk.house.database.write() as session:
            session.execute(update(QuestionRow).values(created_at=utc_now() - dt.timedelta(weeks=1)))
        week = Week.of(utc_now(), dt.UTC).previous()
        page = told(desk.trainer.get("/inbox").text)
        assert f"Week Not answered {week} 100%" in page
        assert "0 open questions were answered in the last 12 weeks" in page
        drawn = desk.trainer.get("/inbox/chart.svg")
        assert drawn.headers["content-type"] == "image/svg+xml"
        assert str(week) in drawn.text
        assert "<script" not in drawn.text

    def test_a_share_names_no_course(self, desk: Desk) -> None:
        """Ola may hear none of the courses that were asked."""
        with desk.house.database.write() as session:
            session.execute(update(QuestionRow).values(created_at=utc_now() - dt.timedelta(weeks=1)))
        for number in range(5):
            desk.ask(by=signed_in(desk.house, add_person(desk.house, f"Person {number}")))
        with desk.house.database.write() as session:
            session.execute(update(QuestionRow).values(created_at=utc_now() - dt.timedelta(weeks=1)))
        ola = signed_in(desk.house, add_person(desk.house, "Ola", Role.TRAINER))
        page = ola.get("/inbox").text
        assert "100%" in page
        assert "Workplace safety" not in page
