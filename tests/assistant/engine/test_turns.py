"""Turns between askers: nothing lost, everybody's own order kept, nobody passed over twice."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from assistant.engine.turns import Turns


@dataclass(frozen=True)
class Item:
    id: int
    asker: str


def filled(askers: list[str]) -> Turns[Item]:
    turns: Turns[Item] = Turns()
    for number, asker in enumerate(askers):
        turns.put(Item(number, asker))
    return turns


def emptied(turns: Turns[Item]) -> list[Item]:
    taken = []
    while (item := turns.take()) is not None:
        taken.append(item)
    return taken


def test_who_asks_often_takes_turns_with_who_asks_once() -> None:
    assert [item.asker for item in emptied(filled(["a"] * 5 + ["b", "c", "b"]))] == list("abcabaaa")


@given(st.lists(st.sampled_from("abcd")))
def test_all_come_out_once_and_in_their_askers_order(askers: list[str]) -> None:
    taken = emptied(filled(askers))
    assert sorted(item.id for item in taken) == list(range(len(askers)))
    for asker in "abcd":
        own = [item.id for item in taken if item.asker == asker]
        assert own == sorted(own)


@given(st.lists(st.sampled_from("abcd")))
def test_between_two_of_one_asker_each_other_that_waits_has_one(askers: list[str]) -> None:
    taken = emptied(filled(askers))
    for at, item in enumerate(taken):
        following = next((later for later in range(at + 1, len(taken)) if taken[later].asker == item.asker), None)
        if following is None:
            continue
        waiting = {later.asker for later in taken[at + 1 :]} - {item.asker}
        assert {between.asker for between in taken[at + 1 : following]} == waiting


@given(st.lists(st.sampled_from("abc"), min_size=1), st.data())
def test_one_removed_leaves_the_others_as_they_were(askers: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, len(askers) - 1))
    turns = filled(askers)
    turns.remove(gone)
    turns.remove(len(askers))  # none of theirs
    assert len(turns) == len(askers) - 1
    assert turns.of(askers[gone]) == askers.count(askers[gone]) - 1
    assert sorted(item.id for item in emptied(turns)) == [number for number in range(len(askers)) if number != gone]


@given(st.lists(st.sampled_from("abc")))
def test_what_is_put_first_comes_first(askers: list[str]) -> None:
    turns = filled(askers)
    turns.put_first(Item(99, "b"))
    assert turns.first() == Item(99, "b") == turns.take()
