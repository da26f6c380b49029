"""Who is next among several askers: each in turn, so that one who repeats himself cannot starve the others. Pure."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Waits(Protocol):
    """`asker`: whose it is. All that is nobody's in particular takes turns as if it were one asker's."""

    @property
    def id(self) -> int: ...

    @property
    def asker(self) -> str: ...


Item = TypeVar("Item", bound=Waits)


class Turns(Generic[Item]):
    """A queue of queues. What one asker put in comes out in its order; between askers it goes round."""

    def __init__(self) -> None:
        self._askers: OrderedDict[str, deque[Item]] = OrderedDict()

    def __len__(self) -> int:
        return sum(len(own) for own in self._askers.values())

    def __iter__(self) -> Iterator[Item]:
        """Whose-ever, in no particular order."""
        return (item for own in self._askers.values() for item in own)

    def of(self, asker: str) -> int:
        return len(self._askers.get(asker, ()))

    def put(self, item: Item) -> None:
        self._askers.setdefault(item.asker, deque()).append(item)

    def put_first(self, item: Item) -> None:
        """Ahead of everybody's."""
        self._askers.setdefault(item.asker, deque()).appendleft(item)
        self._askers.move_to_end(item.asker, last=False)

    def first(self) -> Item | None:
        """What `take` would give."""
        return next((own[0] for own in self._askers.values()), None)

    def take(self) -> Item | None:
        """The first of the asker whose turn it is; his next turn comes after everybody's."""
        item = self.first()
        if item is not None:
            self._askers[item.asker].popleft()
            self._askers.move_to_end(item.asker)
            self._drop_if_empty(item.asker)
        return item

    def remove(self, item_id: int) -> None:
        """Leaves the others as they are; an id that does not wait is let be."""
        for item in self:
            if item.id == item_id:
                self._askers[item.asker].remove(item)
                self._drop_if_empty(item.asker)
                return

    def _drop_if_empty(self, asker: str) -> None:
        if not self._askers[asker]:
            del self._askers[asker]
