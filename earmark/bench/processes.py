"""Calls in a process of their own: for its memory, and so that what runs beside does not share an interpreter."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def apart(call: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """What the call returns, once the process it ran in has ended."""
    with other_process() as process:
        return process.submit(call, *arguments, **named).result()


@contextmanager
def other_process() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        yield process
