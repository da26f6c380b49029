"""Lines that are added whole, and a file that is made once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from knowledge.durable_files import add_lines, make_once


def test_behind_a_line_that_was_cut_short_a_new_one_begins(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"whole\ncut sh")
    add_lines(path, b"next\n")
    assert path.read_bytes() == b"whole\ncut sh\nnext\n"


def test_many_writers_leave_every_line_whole(tmp_path: Path) -> None:
    path = tmp_path / "list"
    lines = [b"%d %s\n" % (number, b"x" * 5000) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda line: add_lines(path, line), lines))
    assert sorted(path.read_bytes().splitlines(keepends=True)) == sorted(lines)


def test_a_link_is_followed_only_where_that_is_meant(tmp_path: Path) -> None:
    elsewhere, link = tmp_path / "elsewhere", tmp_path / "link"
    link.symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic links"):
        add_lines(link, b"a\n")
    assert not elsewhere.exists()
    add_lines(link, b"a\n", follow_link=True)
    assert elsewhere.read_bytes() == b"a\n"


def test_of_several_that_make_a_file_the_first_stays_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: make_once(path, b"%d" % number), range(16)))
    first = path.read_bytes()
    make_once(path, b"late")
    assert path.read_bytes() == first
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
    assert path.stat().st_mode & 0o777 == 0o600
