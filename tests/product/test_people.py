"""`earmark users` as an admin uses it, before anybody has signed in."""

from pathlib import Path

import pytest

from tests.product.running import earmark

pytestmark = pytest.mark.slow


def test_a_mail_address_is_given_listed_and_taken_away(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = earmark(home, "users", "add", "Bo", "--role", "trainer", "--group", "Sales", "--mail", "bo@example.com")
    assert (made.code, len(made.out.strip()) > 10) == (0, True), made.err
    [bo] = earmark(home, "users", "list", "--json").json
    assert (bo["name"], bo["email"], bo["role"], bo["groups"]) == ("Bo", "bo@example.com", "trainer", ["Sales"])
    refused = earmark(home, "users", "mail", "bo@example.com", "somewhere")
    assert (refused.code, "this is no mail address" in refused.err) == (2, True), refused.err
    assert "bo@example.com" not in earmark(home, "audit", "show", "--json").out
    assert earmark(home, "users", "mail", "Bo").code == 0
    [bo] = earmark(home, "users", "list", "--json").json
    assert bo["email"] is None
