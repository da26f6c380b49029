"""What is found: every bending of a log that its chain or its checkpoints can show, and nothing in one left alone."""

import datetime as dt
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.audit.chain import Row
from assistant.audit.statement import Statement, StatementKind
from assistant.audit.verify import Fault, Finding, verify
from tests.assistant.audit.chains import MINUTE, NOON, chain_of, checkpoint, linked_anew, moved

LONGEST = 12
LOGS = {count: chain_of(count) for count in range(LONGEST + 1)}
lengths = st.integers(2, LONGEST)


def faults(rows: list[Row], statements: list[Statement] = [], **how: int) -> list[tuple[int, Fault]]:  # noqa: B006
    return [(each.seq, each.fault) for each in verify(rows, statements, **how)]


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Row], list[Statement]]:
    """An untouched log and the checkpoints of some of its rows, the last one's among them."""
    rows = LOGS[draw(lengths)]
    signed = draw(st.sets(st.sampled_from(rows))) | {rows[-1]}
    return list(rows), [checkpoint(row) for row in signed]


class TestUntouched:
    @given(logs(), st.integers(1, LONGEST))
    def test_a_log_left_alone_gives_no_finding_from_whichever_row_on(
        self, log: tuple[list[Row], list[Statement]], first: int
    ) -> None:
        rows, statements = log
        first = min(first, len(rows))
        assert faults(rows, statements) == []
        assert faults(rows[first - 1 :], statements, first=first) == []

    def test_an_empty_log_and_one_without_checkpoints_give_none(self) -> None:
        assert faults([]) == faults(chain_of(1)) == faults(chain_of(5)) == []

    def test_rows_that_came_since_the_last_checkpoint_are_well(self) -> None:
        rows = chain_of(5)
        assert faults(rows, [checkpoint(rows[1])]) == []

    def test_small_slips_of_the_clock_are_not_told(self) -> None:
        rows = chain_of(4)
        slipped = linked_anew([*rows[:2], moved(rows[2], -10 * MINUTE - dt.timedelta(seconds=1)), rows[3]])
        assert faults(slipped, [checkpoint(slipped[3])]) == []


class TestWithoutTheKey:
    """Whatever is done to the rows alone."""

    @given(logs(), st.data())
    def test_any_single_edit_is_found(self, log: tuple[list[Row], list[Statement]], data: st.DataObject) -> None:
        rows, statements = log
        at = data.draw(st.integers(0, len(rows) - 1))
        name = data.draw(st.sampled_from([each.name for each in fields(Row) if each.name != "seq"]))
        before = getattr(rows[at], name)
        value = data.draw(st.text(max_size=40) if name[:6] != "object" else st.none() | st.text(max_size=40))
        if value == before:
            return
        rows[at] = replace(rows[at], **{name: value})
        assert rows[at].seq in {seq for seq, _ in faults(rows, statements)}
        assert faults(rows)

    @given(logs(), st.data())
    def test_any_dropped_stretch_is_found(self, log: tuple[list[Row], list[Statement]], data: st.DataObject) -> None:
        rows, statements = log
        start = data.draw(st.integers(0, len(rows) - 1))
        end = data.draw(st.integers(start + 1, len(rows)))
        found = faults(rows[:start] + rows[end:], statements)
        expected = (start, Fault.TRUNCATED) if end == len(rows) else (start + 1, Fault.MISSING)
        assert found == [expected]

    @given(logs(), st.data())
    def test_any_dropped_row_with_the_rest_linked_anew_is_found(
        self, log: tuple[list[Row], list[Statement]], data: st.DataObject
    ) -> None:
        rows, statements = log
        del rows[data.draw(st.integers(0, len(rows) - 1))]
        assert faults(linked_anew(rows), statements)

    @given(logs(), st.data())
    def test_any_insertion_is_found(self, log: tuple[list[Row], list[Statement]], data: st.DataObject) -> None:
        rows, statements = log
        at = data.draw(st.integers(0, len(rows) - 1))
        rows.insert(at, replace(rows[at], actor="p-9"))
        assert faults(rows, statements)
        assert any(fault is Fault.REWRITTEN for _, fault in faults(linked_anew(rows), statements))

    @given(logs(), st.data())
    def test_any_swap_is_found(self, log: tuple[list[Row], list[Statement]], data: st.DataObject) -> None:
        rows, statements = log
        one, other = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=2, max_size=2)))
        rows[one], rows[other] = replace(rows[other], seq=rows[one].seq), replace(rows[one], seq=rows[other].seq)
        assert faults(rows, statements)
        assert any(fault is Fault.REWRITTEN for _, fault in faults(linked_anew(rows), statements))

    @given(logs(), st.data())
    def test_a_log_cut_behind_a_checkpoint_is_found_however_it_grows_again(
        self, log: tuple[list[Row], list[Statement]], data: st.DataObject
    ) -> None:
        rows, statements = log
        kept = data.draw(st.integers(0, len(rows) - 1))
        assert faults(rows[:kept], statements) == [(kept, Fault.TRUNCATED)]
        grown = rows[:kept] + [replace(row, actor="p-9") for row in rows[kept:]]
        assert any(fault is Fault.REWRITTEN for _, fault in faults(linked_anew(grown), statements))

    @given(logs(), st.data(), st.timedeltas(dt.timedelta(days=-400), dt.timedelta(days=400)))
    def test_rows_stamped_anew_and_linked_anew_are_found(
        self, log: tuple[list[Row], list[Statement]], data: st.DataObject, by: dt.timedelta
    ) -> None:
        rows, statements = log
        at = data.draw(st.integers(0, len(rows) - 1))
        if not by:
            return
        rows[at] = moved(rows[at], by)
        assert any(fault is Fault.REWRITTEN for _, fault in faults(linked_anew(rows), statements))

    def test_what_was_made_anew_from_a_row_on_is_named_where_it_was_first_signed(self) -> None:
        rows = chain_of(9)
        statements = [checkpoint(rows[each]) for each in (1, 4, 7)]
        bent = linked_anew([*rows[:3], replace(rows[3], actor="p-9"), *rows[4:]])
        assert faults(bent, statements) == [(5, Fault.REWRITTEN), (8, Fault.REWRITTEN)]

    def test_a_time_that_is_none_is_named(self) -> None:
        rows = chain_of(3)
        assert faults(linked_anew([rows[0], replace(rows[1], at="yesterday"), rows[2]])) == [(2, Fault.EDITED)]


class TestClocks:
    @given(st.integers(1, LONGEST - 1), st.integers(3, 10**7))
    def test_a_clock_set_back_is_found_where_it_was_and_said_once(self, at: int, seconds: int) -> None:
        """Rows written by the program itself, on a machine whose clock somebody turned."""
        rows = LOGS[LONGEST]
        by = -10 * MINUTE - dt.timedelta(seconds=seconds)
        turned = linked_anew([*rows[:at], *(moved(row, by) for row in rows[at:])])
        assert faults(turned) == [(at + 1, Fault.SET_BACK)]

    def test_many_small_slips_add_up(self) -> None:
        rows = chain_of(10, step=dt.timedelta(0))
        slipping = linked_anew([moved(row, -number * dt.timedelta(seconds=1)) for number, row in enumerate(rows)])
        assert faults(slipping)[0] == (4, Fault.SET_BACK)

    def test_a_row_dated_before_the_checkpoint_that_it_follows_is_found(self) -> None:
        """The chain alone would not show it: the row before is older still."""
        rows = chain_of(4)
        late = checkpoint(rows[1], after=60 * MINUTE)
        assert faults(rows, [late]) == [(3, Fault.UNTIMELY)]

    def test_a_row_dated_after_the_checkpoint_that_holds_it_is_found(self) -> None:
        rows = chain_of(4)
        early = checkpoint(rows[3], after=-5 * MINUTE)
        assert faults(rows, [early]) == [(4, Fault.UNTIMELY)]

    def test_a_clock_set_back_between_two_checkpoints_without_a_row_between_is_found(self) -> None:
        rows = chain_of(4)
        signed_late = replace(checkpoint(rows[1]), at=NOON + dt.timedelta(days=1))
        found = faults(rows, [signed_late, checkpoint(rows[3])])
        assert (4, Fault.SET_BACK) in found


class TestRetention:
    def test_what_retention_signed_for_is_not_missed_and_what_it_did_not_is(self) -> None:
        rows = chain_of(8)
        statements = [checkpoint(row) for row in rows]
        pruned = Statement(StatementKind.PRUNED, 3, rows[2].hash, NOON + dt.timedelta(days=9))
        assert faults(rows[3:], [*statements, pruned]) == []
        assert faults(rows, [*statements, pruned]) == []
        assert faults(rows[2:], [*statements, pruned]) == [(1, Fault.MISSING)]
        assert faults(rows[4:], [*statements, pruned]) == [(1, Fault.MISSING)]
        assert faults(rows[:2] + rows[4:], [*statements, pruned]) == [(3, Fault.MISSING)]

    def test_rows_of_another_log_do_not_follow_what_retention_left(self) -> None:
        rows = chain_of(8)
        pruned = Statement(StatementKind.PRUNED, 3, rows[2].hash, NOON + dt.timedelta(days=9))
        others = linked_anew([replace(row, actor="p-9") for row in rows])[3:]
        assert faults(others, [pruned]) == [(1, Fault.MISSING)]


class TestRestored:
    def test_a_backup_put_back_ends_what_was_said_of_later_rows(self) -> None:
        rows = chain_of(8)
        before = [checkpoint(row) for row in rows]
        put_back = Statement(StatementKind.RESTORED, 4, rows[3].hash, NOON + dt.timedelta(days=2))
        since = linked_anew([*rows[:4], *(moved(row, dt.timedelta(days=3)) for row in rows[4:])])
        assert faults(rows[:4], [*before, put_back]) == []
        assert faults(since, [*before, put_back]) == []
        assert (8, Fault.REWRITTEN) in faults(since, before)

    def test_it_ends_nothing_that_was_said_after_it(self) -> None:
        rows = chain_of(8)
        put_back = Statement(StatementKind.RESTORED, 2, rows[1].hash, NOON + 11 * MINUTE)
        assert faults(rows[:4], [put_back, checkpoint(rows[6])]) == [(4, Fault.TRUNCATED)]


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (Finding(3, Fault.EDITED, "bent"), "row 3: edited: bent"),
        (Finding(3, Fault.FORGED, "no"), "checkpoint line 3: checkpoint-forged: no"),
    ],
)
def test_a_finding_names_its_row_or_its_line(finding: Finding, line: str) -> None:
    assert str(finding) == line
