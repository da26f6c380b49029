"""A mail server by settings: what is missing is named, and the doctor says how it is."""

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import update

from assistant.notices.sending import send_due
from assistant.notices.tables import NoticeRow
from earmark.build import open_engine, open_house, open_worker
from earmark.company_mail import mailing_of
from earmark.doctor import Health, examine
from earmark.settings import Settings, SettingsError, read_settings
from knowledge.database import utc_now
from tests.assistant.notices.answered import told_anna
from tests.assistant.notices.post_office import PostOffice, open_office

WHOLE = {
    "smtp_host": "mail.example.org",
    "smtp_user": "earmark",
    "smtp_password": "a secret",
    "smtp_from": "earmark@example.org",
    "public_url": "https://earmark.example.org",
}


def made(home: Path, **told: object) -> Settings:
    return read_settings({"home": home, **WHOLE, **told})


def test_without_a_host_there_is_no_mail(tmp_path: Path) -> None:
    assert mailing_of(read_settings({"home": tmp_path})) is None


def test_what_is_set_becomes_a_mailing(tmp_path: Path) -> None:
    mailing = mailing_of(made(tmp_path))
    assert mailing is not None
    assert (mailing.sender, mailing.public_url) == ("earmark@example.org", "https://earmark.example.org")
    assert str(mailing.server) == "mail.example.org:587, starttls"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"public_url": ""}, r"setting public_url is missing; .* set EARMARK_PUBLIC_URL"),
        ({"smtp_from": ""}, "setting smtp_from is missing"),
        ({"smtp_from": "a@example.org\r\nBcc: b@example.org"}, "is no mail address"),
        ({"smtp_user": ""}, "setting smtp_user is missing"),
        ({"smtp_password": ""}, "setting smtp_password is missing"),
        ({"smtp_security": "none"}, "in the clear"),
        ({"smtp_ca": "/nowhere.pem"}, "smtp_ca: /nowhere.pem cannot be read"),
        ({"smtp_security": "perhaps"}, "setting smtp_security"),
        ({"smtp_port": 0}, "setting smtp_port"),
    ],
)
def test_half_a_mail_server_is_refused_by_what_it_lacks(tmp_path: Path, told: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        mailing_of(made(tmp_path, **told))
    assert "a secret" not in str(refused.value)


def test_the_password_may_lie_in_the_homes_file_and_is_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "earmark.toml").write_text('smtp_password = "a secret"\n')
    settings = read_settings({"home": tmp_path, **{name: told for name, told in WHOLE.items() if "pass" not in name}})
    assert mailing_of(settings) is not None
    assert "a secret" not in f"{settings!r} {mailing_of(settings)!r}"
    (tmp_path / "earmark.toml").write_text('smtp_password = ["a secret"]\n')
    with pytest.raises(SettingsError, match="smtp_password") as refused:
        read_settings({"home": tmp_path})
    assert "a secret" not in str(refused.value)


def settings_for(office: PostOffice, home: Path, **told: object) -> Settings:
    plain = {"smtp_host": "localhost", "smtp_port": office.port, "smtp_security": "none"}
    return made(home, **plain, smtp_user="", smtp_password="", **told)


def said_of_mail(settings: Settings) -> tuple[Health, str]:
    [finding] = [each for each in examine(settings) if each.subject == "mail"]
    return finding.health, finding.detail


def test_the_doctor_says_whether_mail_is_set_and_the_server_answers(tmp_path: Path) -> None:
    assert said_of_mail(read_settings({"home": tmp_path})) == (Health.WELL, "none; who asked is told on their page")
    with open_office() as office:
        settings = settings_for(office, tmp_path, sign_in="oidc")
        assert said_of_mail(settings) == (Health.WELL, f"localhost:{office.port}, none")
        health, detail = said_of_mail(settings_for(office, tmp_path, sign_in="none"))
        assert (health, "nobody signs in" in detail) == (Health.NOTE, True)
    health, detail = said_of_mail(settings)
    assert health is Health.BROKEN
    assert "ConnectionRefused" in detail
    health, detail = said_of_mail(made(tmp_path, public_url=""))
    assert (health, detail) == (Health.BROKEN, "setting public_url is missing")


def test_the_doctor_says_what_waits_and_what_was_given_up_and_not_whose(tmp_path: Path) -> None:
    with open_office() as office:
        settings = settings_for(office, tmp_path, sign_in="oidc")
        with open_house(settings) as house:
            told_anna(house.database)
            with house.database.write() as session:
                session.execute(update(NoticeRow).values(told_at=utc_now() - dt.timedelta(hours=2)))
            health, detail = said_of_mail(settings)
            assert health is Health.NOTE
            assert "1 waiting, the oldest since" in detail
            office.says_of["anna@example.org"] = "550 5.1.1 anna@example.org is nobody"
            mailing = mailing_of(settings)
            assert mailing is not None
            send_due(house.database, mailing)
        health, detail = said_of_mail(settings)
    assert health is Health.NOTE
    assert detail.endswith("given up in the last 7 days: 550 5.1.1: 1")
    assert "anna" not in detail


def test_a_worker_is_given_the_mail_server_that_is_set(tmp_path: Path) -> None:
    settings = made(tmp_path, engine_url="http://127.0.0.1:9", engine_key="k")
    with open_house(settings) as house, open_engine(settings) as engine, open_worker(house, engine) as services:
        assert services.mailing is not None
        assert str(services.mailing.server) == "mail.example.org:587, starttls"
