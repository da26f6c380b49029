"""Settings of the company's sign-in: what is missing or wrong is named, a secret never is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.access.role import Role
from earmark.company_sign_in import oidc_settings
from earmark.doctor import Finding, Health, examine
from earmark.settings import Settings, SettingsError, SignIn, read_settings
from tests.assistant.access.misbehaving_provider import MisbehavingProvider

GOOD = {
    "sign_in": SignIn.OIDC,
    "oidc_issuer": "https://sso.example.org/realms/main",
    "oidc_client_id": "earmark",
    "oidc_client_secret": "nobody may see this",
    "oidc_role_claim": "realm_access.roles",
    "oidc_roles": "earmark-admins=admin, hr=hr",
    "oidc_groups_claim": "groups",
    "oidc_required": "hd=example.org",
    "oidc_max_age_hours": 8,
}
PUBLIC = "https://earmark.example.org/"


@pytest.fixture
def there() -> Iterator[MisbehavingProvider]:
    provider = MisbehavingProvider()
    yield provider
    provider.close()


def settings(**changed: Any) -> Settings:
    return Settings(**{**GOOD, **changed})


def test_settings_become_what_the_provider_and_its_claims_are_read_by() -> None:
    company = oidc_settings(settings(), public_url=PUBLIC)
    assert company.redirect_uri == "https://earmark.example.org/sign-in/callback"
    assert (company.config.client_id, company.config.client_secret) == ("earmark", "nobody may see this")
    assert (company.config.scopes, company.config.max_age_s) == (("openid", "profile", "email"), 8 * 3600)
    assert company.mapping.roles == {"earmark-admins": Role.ADMIN, "hr": Role.HR}
    assert company.mapping.default_role is Role.EMPLOYEE
    assert company.mapping.required == ("hd", "example.org")
    assert oidc_settings(settings(oidc_default_role="none"), public_url=PUBLIC).mapping.default_role is None
    assert oidc_settings(settings(oidc_client_secret=""), public_url=PUBLIC).config.client_secret is None


@pytest.mark.parametrize("missing", ["oidc_issuer", "oidc_client_id"])
def test_a_missing_setting_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"{missing} is missing.*EARMARK_{missing.upper()}"):
        oidc_settings(settings(**{missing: ""}), public_url=PUBLIC)


def test_without_an_address_of_ours_nobody_could_come_back() -> None:
    with pytest.raises(SettingsError, match="public_url is missing"):
        oidc_settings(settings(), public_url="")
    with pytest.raises(SettingsError, match="no https address"):
        oidc_settings(settings(), public_url="http://earmark.example.org")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"oidc_issuer": "http://sso.example.org"}, "oidc_issuer"),
        ({"oidc_scopes": "profile"}, "oidc_scopes"),
        ({"oidc_roles": "admins=boss"}, "oidc_roles.*no such role"),
        ({"oidc_roles": ""}, "oidc_roles.*none of its values"),
        ({"oidc_role_claim": ""}, "oidc_role_claim.*no claim is named"),
        ({"oidc_role_claim": "", "oidc_roles": "", "oidc_default_role": "none"}, "oidc_default_role.*nobody"),
        ({"oidc_required": "example.org"}, "oidc_required"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_work_is_named(changed: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        oidc_settings(settings(**changed), public_url=PUBLIC)


def test_the_secret_is_shown_nowhere(tmp_path: Path) -> None:
    company = oidc_settings(settings(), public_url=PUBLIC)
    assert "nobody may see this" not in f"{settings()!r} {settings()} {company!r} {settings().model_dump()}"
    (tmp_path / "earmark.toml").write_text("oidc_client_secret = 4711\n")
    with pytest.raises(SettingsError, match=r"oidc_client_secret.*not shown") as error:
        read_settings({"home": tmp_path})
    assert "4711" not in str(error.value)


def said_of_provider(home: Path, **changed: Any) -> Finding:
    [finding] = [each for each in examine(settings(home=home, **changed)) if each.subject == "provider"]
    return finding


def test_the_doctor_says_what_is_wrong_with_a_provider(tmp_path: Path, there: MisbehavingProvider) -> None:
    well = said_of_provider(tmp_path, oidc_issuer=there.issuer)
    assert (well.health, well.detail) == (Health.WELL, f"{there.issuer}, signing keys: 1")
    there.behaviour.document = {"end_session_endpoint": None}
    assert said_of_provider(tmp_path, oidc_issuer=there.issuer).health is Health.NOTE
    wrong = said_of_provider(tmp_path, oidc_issuer=there.issuer + "/")
    assert wrong.health is Health.BROKEN
    assert f"calls itself '{there.issuer}'" in wrong.detail
    gone = said_of_provider(tmp_path, oidc_issuer="http://127.0.0.1:1")
    assert gone.health is Health.BROKEN
    assert "cannot be reached" in gone.detail
    assert said_of_provider(tmp_path, oidc_client_id="").detail == "setting oidc_client_id is missing"
    assert said_of_provider(tmp_path, sign_in=SignIn.LOCAL).health is Health.WELL
