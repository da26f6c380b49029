"""`earmark demo --with-log` and `--forget-log`, as typed: real processes, the real course."""

from pathlib import Path

import pytest

from tests.product.running import earmark, serving

INVENTED = "These questions are invented, to show what this page is for."


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_demo_gets_an_invented_log_and_loses_it_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ran = earmark(home, "demo", "--with-log", "--no-serve", timeout_s=900)
    assert ran.code == 0, ran.err
    assert "questions put in" in ran.err
    again = earmark(home, "demo", "--with-log", "--no-serve", timeout_s=300)
    assert (again.code, "it is in already" in again.err) == (0, True), again.err

    with serving(home, tmp_path / "serve.log") as server:
        for path in ("/topics", "/inbox"):
            page = server.http.get(path)
            assert (page.status_code, INVENTED in page.text) == (200, True), path
        assert "electric car" in server.http.get("/topics").text
        assert INVENTED in server.http.get("/topics/export.csv").text

        taken = earmark(home, "demo", "--forget-log")
        assert (taken.code, "invented questions taken out" in taken.err) == (0, True), taken.err
        for path in ("/topics", "/inbox"):
            page = server.http.get(path)
            assert (page.status_code, INVENTED in page.text) == (200, False), path
        assert server.http.get("/topics/export.csv").status_code == 404


@pytest.mark.slow
def test_a_home_with_accounts_gets_no_invented_log_and_nothing_is_tried(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert earmark(home, "users", "add", "Anna").code == 0
    refused = earmark(home, "demo", "--with-log", "--no-serve")
    assert (refused.code, "real people" in refused.err) == (2, True), refused.err
    assert earmark(home, "recordings", "--json").json["items"] == []
    assert earmark(home, "demo", "--with-log", "--forget-log").code == 2
