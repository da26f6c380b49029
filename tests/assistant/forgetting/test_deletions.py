"""The list of deletions: appended, read back, merged; torn lines and strange ids lead nowhere."""

from pathlib import Path

import pytest

from assistant.forgetting.deletions import (
    DeletionKind,
    list_beside,
    merge_deletions,
    note_deletion,
    own_list,
    read_deletions,
)

ONE, OTHER = "0190a6f2-0000-7000-8000-000000000001", "0190a6f2-0000-7000-8000-000000000002"


def ids_in(path: Path) -> list[tuple[str, str]]:
    return [(each.kind.value, each.id) for each in read_deletions(path)]


def test_what_is_noted_is_read_back_once_each(tmp_path: Path) -> None:
    note_deletion(tmp_path, DeletionKind.RECORDING, [ONE, OTHER])
    note_deletion(tmp_path, DeletionKind.RECORDING, [ONE])
    note_deletion(tmp_path, DeletionKind.PERSON, [ONE])

    assert ids_in(own_list(tmp_path)) == [("recording", ONE), ("recording", OTHER), ("person", ONE)]
    assert own_list(tmp_path).stat().st_mode & 0o077 == 0


def test_the_list_beside_gets_it_at_once(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    note_deletion(tmp_path, DeletionKind.QUESTION, [ONE], beside=tmp_path / "backups")

    assert ids_in(list_beside(tmp_path / "backups")) == [("question", ONE)]


def test_a_backup_disk_that_is_away_holds_up_no_deletion_and_is_told_later(tmp_path: Path) -> None:
    away = tmp_path / "not mounted"
    note_deletion(tmp_path, DeletionKind.QUESTION, [ONE], beside=away)
    assert not away.exists()

    away.mkdir()
    assert merge_deletions(own_list(tmp_path), list_beside(away)) == 1
    assert merge_deletions(own_list(tmp_path), list_beside(away)) == 0
    assert ids_in(list_beside(away)) == [("question", ONE)]


def test_a_line_that_a_kill_cut_short_costs_only_itself(tmp_path: Path) -> None:
    note_deletion(tmp_path, DeletionKind.QUESTION, [ONE])
    with own_list(tmp_path).open("a") as file:
        file.write('{"kind": "recording", "id": "0190')
    note_deletion(tmp_path, DeletionKind.QUESTION, [OTHER])

    assert ids_in(own_list(tmp_path)) == [("question", ONE), ("question", OTHER)]


@pytest.mark.parametrize("line", ['{"kind": "recording", "id": "../../etc", "at": "x"}', "[]", "null", "{}", "\x00"])
def test_a_line_that_is_none_of_ours_is_left_out(tmp_path: Path, line: str) -> None:
    own_list(tmp_path).write_text(f"{line}\n")
    assert ids_in(own_list(tmp_path)) == []


def test_a_list_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    own_list(tmp_path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        note_deletion(tmp_path, DeletionKind.QUESTION, [ONE])
