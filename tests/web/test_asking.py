"""Asking by typing and by sound, with and without scripts, and what nobody else gets to see."""

from dataclasses import replace

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from assistant.answering.explained import CHANNEL_NAMES, FEATURE_NAMES
from assistant.engine.client import ModelState
from assistant.engine.http_client import NOT_RUNNING, HttpEngineClient
from assistant.errors import Busy, PartDown, RecognizerDown
from assistant.questions.tables import QuestionRow
from knowledge.errors import DatabaseBusy
from knowledge.finding.moment import Verdict
from knowledge.finding.refusing import fitted
from knowledge.model_files import MINILM_SHA256, digest_of
from tests.web.house import LINES, WebHouse, trial_state
from web.app import create_app
from web.interface_languages import CHINESE, words_of

HTMX = {"hx-request": "true"}


def asked(browser: TestClient, text: str = "How do I report a near miss?") -> str:
    """The address of the answer's page."""
    reply = browser.post("/ask", data={"text": text}, follow_redirects=False)
    assert reply.status_code == 303, reply.text
    return reply.headers["location"]


def test_a_typed_question_leads_to_a_page_with_its_moment(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()
    house.answer_with("near miss", recording_id)

    address = asked(browser)
    page = browser.get(address)

    assert address.startswith("/questions/")
    assert "near" not in address
    assert "Here is the answer" in page.text
    assert f'href="/recordings/{recording_id}?t=10.000"' in page.text
    assert f'src="/media/{recording_id}#t=10"' in page.text
    assert "<mark>You report a near miss the same day, on the yellow form.</mark>" in page.text


def test_htmx_gets_the_answer_alone_and_the_address_to_show(browser: TestClient, house: WebHouse) -> None:
    house.answer_with("near miss", house.add_recording())

    reply = browser.post("/ask", data={"text": "a near miss"}, headers=HTMX)

    assert reply.status_code == 200
    assert "<html" not in reply.text
    assert reply.headers["hx-push-url"].startswith("/questions/")
    assert browser.get(reply.headers["hx-push-url"]).status_code == 200


def test_going_back_in_history_gets_the_whole_page(browser: TestClient, house: WebHouse) -> None:
    house.answer_with("near miss", house.add_recording())
    address = asked(browser)

    page = browser.get(address, headers={**HTMX, "hx-history-restore-request": "true"})

    assert "<html" in page.text


def test_a_spoken_question_shows_what_was_heard_and_keeps_no_sound(browser: TestClient, house: WebHouse) -> None:
    house.answer_with("near miss", house.add_recording())

    reply = browser.post("/ask", files={"sound": ("question.wav", b"RIFF....", "audio/wav")}, headers=HTMX)

    assert "how do I report a near miss" in reply.text
    assert "heard in 0.3 s" in reply.text
    assert 'data-spoken="yes"' in reply.text
    assert house.asking.sounds == [("question.wav", b"RIFF....")]
    assert not list((house.services.home).rglob("*.wav"))


def test_a_question_nobody_taught_gets_an_honest_no_without_scripts_too(browser: TestClient) -> None:
    page = browser.get(asked(browser, "Who feeds the parrot?"))

    assert "The recordings do not answer this" in page.text
    assert "data-player" not in page.text


def test_the_nearest_moments_of_a_no_are_there_but_folded(browser: TestClient, house: WebHouse) -> None:
    house.answer_with("parrot", house.add_recording(), verdict=Verdict.ABSENT)

    page = browser.get(asked(browser, "Who feeds the parrot?"))

    assert "The recordings do not answer this" in page.text
    assert '<details class="nearest">' in page.text


def test_what_comes_closest_is_called_no_answer(browser: TestClient, house: WebHouse) -> None:
    house.answer_with("signature", house.add_recording(), LINES[3], verdict=Verdict.CLOSEST)

    page = browser.get(asked(browser, "Whose signature?"))

    assert "Maybe one of these" in page.text
    assert "Here is the answer" not in page.text


def test_silence_is_told_and_leaves_no_question(browser: TestClient, house: WebHouse) -> None:
    house.asking.heard = ""
    silence = {"sound": ("question.wav", b"RIFF....", "audio/wav")}

    partial = browser.post("/ask", files=silence, headers=HTMX)
    page = browser.post("/ask", files=silence)

    assert "I heard no speech" in partial.text
    assert "hx-push-url" not in partial.headers
    assert "I heard no speech" in page.text
    assert "What you asked last" not in browser.get("/").text


def test_an_answer_is_shown_only_to_the_browser_that_asked(
    browser: TestClient, other_browser: TestClient, house: WebHouse
) -> None:
    house.answer_with("near miss", house.add_recording())
    address = asked(browser)
    asked(other_browser, "something else")

    stranger = other_browser.get(address)

    assert stranger.status_code == 404
    assert "near miss" not in stranger.text
    assert browser.get(address).status_code == 200


def test_my_last_questions_are_mine(browser: TestClient, other_browser: TestClient, house: WebHouse) -> None:
    house.add_recording()
    asked(browser, "Where is the yellow form?")

    assert "Where is the yellow form?" in browser.get("/").text
    assert "Where is the yellow form?" not in other_browser.get("/").text


def test_a_forged_asker_is_nobody(browser: TestClient, house: WebHouse) -> None:
    house.add_recording()
    browser.cookies.set("earmark_asker", "' or 1=1 --", domain="127.0.0.1")

    address = asked(browser)

    assert browser.get("/").status_code == 200
    assert browser.get(address).status_code == 200


def test_a_moment_of_a_removed_recording_is_gone_from_an_old_answer(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()
    house.answer_with("near miss", recording_id)
    address = asked(browser)

    browser.post(f"/recordings/{recording_id}/remove")
    page = browser.get(address)

    assert "yellow form" not in page.text
    assert "was removed since" in page.text
    assert "Here is the answer" not in page.text


def test_words_from_people_are_always_escaped(browser: TestClient, house: WebHouse) -> None:
    evil = '"><script>alert(1)</script>'
    recording_id = house.add_recording(name=f"{evil}.wav", course=evil, lines=[(1.0, 4.0, f"near miss {evil}")])
    house.answer_with("near miss", recording_id, (1.0, 4.0, f"near miss {evil}"))

    pages = [browser.get(asked(browser, f"near miss {evil}")), browser.get("/")]
    pages += [browser.get(path) for path in ("/recordings", f"/recordings/{recording_id}", "/courses", "/jobs")]
    pages.append(browser.post(f"/recordings/{recording_id}/find", data={"wanted": evil}))

    for page in pages:
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert" in page.text


def test_what_i_speak_is_chosen_the_next_time(browser: TestClient, house: WebHouse) -> None:
    state = trial_state()
    house.engine.now = replace(state, recogniser=replace(state.recogniser, languages=frozenset({"en", "zh"})))
    assert "selected" not in browser.get("/").text

    browser.post("/ask", data={"text": "a near miss", "language": "zh"})
    assert '<option value="zh" selected>' in browser.get("/").text

    browser.post("/ask", data={"text": "a near miss", "language": ""})
    assert "selected" not in browser.get("/").text
    browser.cookies.set("earmark_spoken", "made up")
    assert "selected" not in browser.get("/").text


def test_an_empty_question_says_what_to_do(browser: TestClient) -> None:
    page = browser.post("/ask", data={"text": "  "})

    assert page.status_code == 400
    assert "the question is empty" in page.text


def test_an_empty_sound_file_is_refused_by_name(browser: TestClient) -> None:
    page = browser.post("/ask", files={"sound": ("mine.wav", b"", "audio/wav")})

    assert page.status_code == 400
    assert "mine.wav: the file is empty" in page.text
    chinese = browser.post("/ask", files={"sound": ("<b>.wav", b"", "audio/wav")}, headers={"accept-language": "zh"})
    assert "<p>&lt;b&gt;.wav: 文件是空的。</p>" in chinese.text


def test_a_course_can_be_chosen_and_a_made_up_one_is_refused(browser: TestClient, house: WebHouse) -> None:
    house.add_recording()
    house.add_recording(course="Data protection", duration_s=31.0)
    chosen = browser.get("/api/v1/courses").json()["items"][0]["id"]

    browser.post("/ask", data={"text": "near miss", "course": chosen})
    refused = browser.post("/ask", data={"text": "near miss", "course": "made-up"})

    assert house.asking.asked_courses == [frozenset({chosen})]
    assert refused.status_code == 404


def test_a_recogniser_that_is_down_is_told_with_its_way_out(browser: TestClient, house: WebHouse) -> None:
    house.asking.failure = RecognizerDown("the recogniser is not running", "type the question meanwhile")

    reply = browser.post("/ask", files={"sound": ("q.wav", b"x", "audio/wav")}, headers=HTMX)

    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "5"
    assert "type the question meanwhile" in reply.text
    assert "<html" not in reply.text


def test_an_engine_that_is_gone_is_told_plainly_and_its_address_is_logged(
    browser: TestClient, house: WebHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    with HttpEngineClient("http://127.0.0.1:1", "key") as gone, pytest.raises(PartDown) as down:
        gone.transcribe(b"x", filename="q.wav")
    house.asking.failure = down.value

    for language, plain in (("en", NOT_RUNNING[0]), ("zh", "负责听写和比较的部件没有运行。")):
        page = browser.post(
            "/ask", files={"sound": ("q.wav", b"x", "audio/wav")}, headers={"accept-language": language}
        ).text
        assert plain in page
        assert "127.0.0.1:1" not in page
        assert "Errno" not in page
        assert "127.0.0.1:1: cannot be reached" in capsys.readouterr().out


def test_a_busy_engine_says_when_to_come_back(browser: TestClient, house: WebHouse) -> None:
    house.asking.failure = Busy("too many questions wait", "try again", retry_after_s=3.2)

    reply = browser.post("/ask", files={"sound": ("q.wav", b"x", "audio/wav")})

    assert reply.status_code == 429
    assert reply.headers["retry-after"] == "4"


def test_the_page_works_while_the_engine_is_down(browser: TestClient, house: WebHouse) -> None:
    house.engine.now = None

    page = browser.get("/")

    assert page.status_code == 200
    assert "Nothing is listening now" in page.text


def test_an_empty_house_teaches_what_to_do(browser: TestClient) -> None:
    page = browser.get("/")

    assert "There is nothing to ask yet" in page.text
    assert 'href="/jobs"' in page.text


def test_the_footer_names_what_runs_and_that_it_is_a_trial(browser: TestClient, house: WebHouse) -> None:
    house.add_recording()

    page = browser.get("/")

    assert "Listening with pocketsphinx" in page.text
    assert "finding with all-MiniLM-L6-v2" in page.text
    assert page.text.count("trial quality") == 2
    assert "1 recording, 30 s" in page.text
    assert "nothing leaves this server" in page.text


def test_the_footer_and_health_name_a_reranker_or_say_that_it_is_missing(browser: TestClient, house: WebHouse) -> None:
    trial = trial_state()
    reads = ModelState("bge-reranker", "c" * 64, "ready", False)
    house.engine.now = replace(trial, reranker=reads)
    assert "reranking with bge-reranker" in browser.get("/").text
    assert browser.get("/healthz").json()["reranker"]["name"] == "bge-reranker"

    house.engine.now = replace(trial, reranker=replace(reads, state="down"))
    other = TestClient(create_app(house.services), base_url="http://127.0.0.1")  # what is seen is kept for seconds
    assert "finding without the reranker" in other.get("/").text
    assert other.get("/readyz").status_code == 200


def test_example_questions_ask_themselves_without_scripts_too(house: WebHouse) -> None:
    house.add_recording()
    services = replace(house.services, examples=lambda _courses: ["Where is the yellow form?"] * 9)
    browser = TestClient(create_app(services), base_url="http://127.0.0.1")

    page = browser.get("/")

    assert page.text.count('<button class="button">Where is the yellow form?</button>') == 4
    assert '<form method="post" action="/ask">' in page.text


def test_reloading_what_was_posted_leads_back(browser: TestClient, house: WebHouse) -> None:
    recording_id = house.add_recording()

    assert browser.get("/ask").url.path == "/"
    assert browser.get(f"/recordings/{recording_id}/find").url.path == f"/recordings/{recording_id}"


def test_a_database_that_cannot_be_read_is_told_in_a_whole_page(house: WebHouse) -> None:
    browser = TestClient(create_app(house.services), base_url="http://127.0.0.1", raise_server_exceptions=False)

    def locked(*_: object) -> None:
        raise DatabaseBusy(0.1)

    event.listen(house.database.engine, "before_cursor_execute", locked)
    page = browser.get("/recordings")
    event.remove(house.database.engine, "before_cursor_execute", locked)

    assert page.status_code == 503
    assert "</html>" in page.text
    assert "A part is not running" in page.text
    assert page.headers["content-security-policy"]


def test_each_moment_says_why_it_stands_there_without_scripts_too(browser: TestClient, house: WebHouse) -> None:
    house.answer_with("near miss", house.add_recording())
    address = asked(browser)

    page = browser.get(address).text
    chinese = browser.get(address, headers={"accept-language": "zh"}).text

    assert page.count("Why this one?") == 1
    assert '<q dir="auto">misses</q> as “miss”' in page
    assert '<q dir="auto">torque</q>' in page
    assert "72%" in page
    verdicts = fitted(digest_of(MINILM_SHA256))
    features = verdicts.covered.weights.keys() | verdicts.right.weights.keys()
    for name in (*CHANNEL_NAMES.values(), *(FEATURE_NAMES[each] for each in features)):
        assert f'<th scope="row">{name}</th>' in page
        assert f'<th scope="row">{words_of(CHINESE).gettext(name)}</th>' in chinese
    assert "In none of these moments" in page
    assert "style=" not in page


def test_why_goes_with_the_moment_it_explains(browser: TestClient, house: WebHouse) -> None:
    first, second = house.add_recording(), house.add_recording(name="other.wav", duration_s=31.0)
    house.answer_with("near miss", first)
    house.answer_with("near miss", second)
    address = asked(browser)

    browser.post(f"/recordings/{first}/remove")
    page = browser.get(address).text

    assert page.count("Why this one?") == 1
    assert "How sure is this?" not in page


def test_an_answer_that_the_reranker_did_not_read_says_so(browser: TestClient, house: WebHouse) -> None:
    house.answer_with("near miss", house.add_recording())
    address = asked(browser)
    assert "Found without the part that reads" not in browser.get(address).text
    with house.database.write() as session:
        row = session.get_one(QuestionRow, address.rsplit("/", 1)[1])
        row.answer = row.answer | {"notes": ["not-reranked"]}

    assert "Found without the part that reads" in browser.get(address).text


def test_an_answer_that_was_kept_without_a_why_is_shown_without(browser: TestClient, house: WebHouse) -> None:
    house.answer_with("near miss", house.add_recording())
    address = asked(browser)
    with house.database.write() as session:
        row = session.get_one(QuestionRow, address.rsplit("/", 1)[1])
        hits = [{name: value for name, value in hit.items() if name != "explain"} for hit in row.answer["hits"]]
        row.answer = {name: value for name, value in row.answer.items() if name != "explain"} | {"hits": hits}

    page = browser.get(address)

    assert page.status_code == 200
    assert "Why this one?" not in page.text
    assert "How sure is this?" not in page.text


def test_numbers_that_were_withheld_when_an_answer_was_kept_are_not_offered(
    browser: TestClient, house: WebHouse
) -> None:
    """As answers were kept while numbers told of courses that were not searched."""
    house.answer_with("near miss", house.add_recording())
    address = asked(browser)
    with house.database.write() as session:
        row = session.get_one(QuestionRow, address.rsplit("/", 1)[1])
        why = row.answer["explain"]
        models = {name: {**why[name], "intercept": None, "parts": []} for name in ("covered", "right")}
        hits = [{**hit, "explain": {**hit["explain"], "channels": []}} for hit in row.answer["hits"]]
        row.answer = {**row.answer, "hits": hits, "explain": {**why, **models}}

    page = browser.get(address).text

    assert page.count("Why this one?") == 1
    assert "In numbers" not in page
    assert "How sure is this?" in page
