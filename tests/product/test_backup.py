"""Backup and restore through the command line, while a server runs."""

from pathlib import Path

import pytest

from tests.product.running import Server, earmark

pytestmark = pytest.mark.slow


def test_a_backup_of_a_running_server_answers_the_same_elsewhere(server: Server, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar"
    assert earmark(server.home, "backup", archive).code == 0
    elsewhere = tmp_path / "restored"
    other = earmark(elsewhere, "restore", archive, EARMARK_DATABASE_URL="postgresql+psycopg://nobody@127.0.0.1/none")
    assert (other.code, "database_url names another one" in other.err) == (2, True)
    restored = earmark(elsewhere, "restore", archive)
    assert restored.code == 0, restored.err
    question = ("ask", "--text", "How do I report a near miss?", "--json", "--no-log")
    before, after = earmark(server.home, *question).json, earmark(elsewhere, *question).json
    assert [hit["start_s"] for hit in before["hits"]] == [hit["start_s"] for hit in after["hits"]]
    assert before["verdict"] == after["verdict"]
