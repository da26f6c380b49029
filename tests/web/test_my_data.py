"""What is kept of a person: seen, taken along and deleted by that person alone."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import select

from assistant.access import people
from assistant.access.caller import Scope
from assistant.access.role import Role
from assistant.access.tables import PersonRow, SessionRow, TokenRow
from assistant.audit.event import AuditAction
from assistant.audit.tables import AuditRow
from assistant.forgetting.deletions import DeletionKind, own_list, read_deletions
from assistant.questions.tables import QuestionRow
from tests.web.house import WebHouse
from tests.web.people import (
    PASSWORD,
    add_person,
    close_course,
    form_token_of,
    program_of,
    signed_in,
    stranger,
    with_sign_in,
)


@pytest.fixture
def company(house: WebHouse) -> WebHouse:
    return with_sign_in(house)


def asked(house: WebHouse) -> list[str]:
    with house.database.read() as session:
        return sorted(session.scalars(select(QuestionRow.text)))


def test_everybody_sees_their_own_questions_and_nobody_elses(company: WebHouse) -> None:
    anna, bert = (signed_in(company, add_person(company, name)) for name in ("Anna", "Bert"))
    anna.post("/ask", data={"text": "where is my own form"})
    assert "where is my own form" in anna.get("/me").text
    assert "where is my own form" not in bert.get("/me").text
    assert "where is my own form" not in bert.get("/me/data.json").text


def test_all_that_is_kept_can_be_taken_along(company: WebHouse) -> None:
    anna = add_person(company, "Anna", groups=["Sales"])
    browser = signed_in(company, anna)
    browser.post("/ask", data={"text": "where is my own form"})
    browser.post("/me/tokens", data={"name": "intranet", "scope-ask": "yes", "days": "30"})
    document = json.loads(browser.get("/me/data.json").text)
    assert [each["text"] for each in document["questions"]] == ["where is my own form"]
    assert document["person"]["groups"] == ["Sales"]
    assert [each["name"] for each in document["tokens"]] == ["intranet"]
    assert len(document["sessions"]) == 1
    with company.database.read() as session:
        assert AuditAction.EXPORTED in list(session.scalars(select(AuditRow.action)))


def test_what_may_no_longer_be_heard_is_not_taken_along_either(company: WebHouse) -> None:
    """A right that was taken away counts from the next request, for old answers too."""
    closed, still_open = company.add_recording(course="Pricing"), company.add_recording(course="Safety")
    company.answer_with("near miss", closed, (1.0, 4.0, "Nine euros is what we pay."))
    company.answer_with("near miss", still_open)
    anna = signed_in(company, add_person(company, "Anna"))
    anna.post("/ask", data={"text": "near miss"})
    assert "Nine euros" in anna.get("/me/data.json").text
    close_course(company, "Pricing")
    taken = anna.get("/me/data.json").text
    [question] = json.loads(taken)["questions"]
    assert "Nine euros" not in taken
    assert closed not in taken
    assert question["answer"]["answer"] is None
    assert question["answer"]["hits"][0] == {"rank": 1, "removed": True}
    assert question["answer"]["hits"][1]["recording_id"] == still_open


def test_one_question_is_deleted_and_the_others_stay(company: WebHouse) -> None:
    browser = signed_in(company, add_person(company, "Anna"))
    first = browser.post("/ask", data={"text": "the first"}).headers["location"].split("/")[-1]
    browser.post("/ask", data={"text": "the second"})
    assert browser.post(f"/me/questions/{first}/delete").status_code == 303
    assert asked(company) == ["the second"]
    assert browser.get(f"/questions/{first}").status_code == 404
    noted = [(each.kind, each.id) for each in read_deletions(own_list(company.services.home))]
    assert noted == [(DeletionKind.QUESTION, first)]


def test_nobody_deletes_anothers_question(company: WebHouse) -> None:
    anna, bert = (signed_in(company, add_person(company, name)) for name in ("Anna", "Bert"))
    question = anna.post("/ask", data={"text": "mine"}).headers["location"].split("/")[-1]
    assert bert.post(f"/me/questions/{question}/delete").status_code == 404
    bert.post("/me/questions/delete", data={"sure": "yes"})
    assert asked(company) == ["mine"]


def test_deleting_everything_asks_for_a_tick(company: WebHouse) -> None:
    browser = signed_in(company, add_person(company, "Anna"))
    browser.post("/ask", data={"text": "mine"})
    assert browser.post("/me/questions/delete").status_code == 400
    assert asked(company) == ["mine"]
    assert browser.post("/me/questions/delete", data={"sure": "yes"}).status_code == 303
    assert asked(company) == []


def test_a_token_is_shown_once_and_asks_as_its_owner(company: WebHouse) -> None:
    anna = add_person(company, "Anna")
    browser = signed_in(company, anna)
    page = browser.post("/me/tokens", data={"name": "intranet", "scope-ask": "yes", "days": "30"}).text
    secret = page.split("<code data-secret>")[1].split("</code>")[0]
    assert secret.startswith("earmark_")
    assert secret not in browser.get("/me").text
    program = stranger(company)
    program.headers["authorization"] = f"Bearer {secret}"
    del program.headers["origin"], program.headers["sec-fetch-site"]
    assert program.post("/api/v1/questions", json={"text": "asked by a program"}).status_code == 200
    assert "asked by a program" in browser.get("/me").text
    with company.database.read() as session:
        kept = session.scalars(select(TokenRow)).one()
        assert secret not in (kept.secret_hash, kept.name, kept.scopes)


def test_a_token_does_what_it_is_for_and_nothing_else(company: WebHouse) -> None:
    trainer = add_person(company, "Tina", Role.TRAINER)
    reading = program_of(company, trainer, Scope.READ)
    assert reading.get("/api/v1/recordings").status_code == 200
    assert reading.get("/api/v1/jobs").status_code == 403
    refused = reading.post("/api/v1/questions", json={"text": "x"})
    assert (refused.status_code, refused.json()["detail"]) == (403, "this key is not for that")
    assert reading.get("/me").status_code == 303
    assert reading.get("/metrics").status_code == 404, "what its owner may not do is not there for it either"


def test_a_revoked_token_is_worth_nothing(company: WebHouse) -> None:
    anna = add_person(company, "Anna")
    program, browser = program_of(company, anna, Scope.READ), signed_in(company, anna)
    with company.database.read() as session:
        token_id = session.scalars(select(TokenRow.id)).one()
    other = signed_in(company, add_person(company, "Bert"))
    assert other.post(f"/me/tokens/{token_id}/revoke").status_code == 404
    assert program.get("/api/v1/recordings").status_code == 200
    assert browser.post(f"/me/tokens/{token_id}/revoke").status_code == 303
    assert program.get("/api/v1/recordings").status_code == 401


@pytest.mark.parametrize("form", [{"name": "x"}, {"name": " ", "scope-ask": "yes"}, {"name": "x", "scope-all": "yes"}])
def test_a_token_needs_a_name_and_a_purpose(company: WebHouse, form: dict[str, str]) -> None:
    browser = signed_in(company, add_person(company, "Anna"))
    assert browser.post("/me/tokens", data=form).status_code == 400


def test_a_new_password_ends_every_other_session(company: WebHouse) -> None:
    anna = add_person(company, "Anna")
    here, elsewhere = signed_in(company, anna), signed_in(company, anna)
    assert here.post("/me/password", data={"old": "wrong", "new": "a new long password"}).status_code == 400
    assert here.post("/me/password", data={"old": PASSWORD, "new": "short"}).status_code == 400
    assert here.post("/me/password", data={"old": PASSWORD, "new": "a new long password"}).status_code == 200
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 303
    browser = stranger(company)
    form = {"name": "Anna", "password": PASSWORD, "form_token": form_token_of(browser, "/sign-in")}
    assert browser.post("/sign-in", data=form).status_code == 401


def test_signing_out_everywhere_else_leaves_this_browser(company: WebHouse) -> None:
    anna = add_person(company, "Anna")
    here, elsewhere = signed_in(company, anna), signed_in(company, anna)
    here.post("/me/sessions/end")
    assert (here.get("/").status_code, elsewhere.get("/").status_code) == (200, 303)


def test_who_wants_to_be_forgotten_is(company: WebHouse) -> None:
    add_person(company, "Ada", Role.ADMIN)
    anna = add_person(company, "Anna")
    browser = signed_in(company, anna)
    browser.post("/ask", data={"text": "a question of hers"})
    assert browser.post("/me/delete").status_code == 400
    assert browser.post("/me/delete", data={"sure": "yes"}).status_code == 303
    assert browser.get("/").status_code == 303
    assert asked(company) == []
    with company.database.read() as session:
        assert people.person(session, anna.id) is None
        assert list(session.scalars(select(SessionRow).where(SessionRow.person_id == anna.id))) == []
        rows = list(session.scalars(select(AuditRow)))
        assert rows[-1].action == AuditAction.PERSON_FORGOTTEN
        assert all(anna.id not in json.dumps([row.actor, row.object_id, row.details]) for row in rows)
    noted = {(each.kind, each.id) for each in read_deletions(own_list(company.services.home))}
    assert (DeletionKind.PERSON, anna.id) in noted


def test_the_last_admin_cannot_leave(company: WebHouse) -> None:
    browser = signed_in(company, add_person(company, "Ada", Role.ADMIN))
    assert browser.post("/me/delete", data={"sure": "yes"}).status_code == 400
    with company.database.read() as session:
        assert session.scalars(select(PersonRow.name)).all() == ["Ada"]
    assert read_deletions(own_list(company.services.home)) == []


def test_where_nobody_signs_in_a_browser_has_its_own_data(house: WebHouse) -> None:
    services = replace(house.services)
    browser = stranger(replace(house, services=services))
    browser.get("/")
    browser.post("/ask", data={"text": "mine alone"})
    assert "mine alone" in browser.get("/me").text
    assert "Keys for programs" not in browser.get("/me").text
    assert browser.post("/me/tokens", data={"name": "x", "scope-ask": "yes"}).status_code == 404
    assert browser.post("/me/delete", data={"sure": "yes"}).status_code == 404


def test_an_admin_forgets_somebody_only_with_a_tick(company: WebHouse) -> None:
    ada, anna = add_person(company, "Ada", Role.ADMIN), add_person(company, "Anna")
    hers, admin = signed_in(company, anna), signed_in(company, ada)
    hers.post("/ask", data={"text": "a question of hers"})
    assert admin.post(f"/people/{anna.id}/forget").status_code == 400
    assert admin.post(f"/people/{anna.id}/forget", data={"sure": "yes"}).status_code == 303
    assert hers.get("/").status_code == 303
    assert asked(company) == []
    with company.database.read() as session:
        [told] = session.scalars(select(AuditRow).where(AuditRow.action == AuditAction.PERSON_FORGOTTEN))
        assert told.actor == ada.audit_id


def test_a_token_plays_what_its_owner_may_hear(company: WebHouse) -> None:
    recording = company.add_recording()
    program = program_of(company, add_person(company, "Anna"), Scope.READ)
    assert program.get(f"/media/{recording}", headers={"range": "bytes=0-9"}).status_code == 206
    assert program.get("/api/openapi.json").status_code == 200
    asking = program_of(company, add_person(company, "Bert"), Scope.ASK)
    assert asking.get(f"/media/{recording}").status_code == 403
