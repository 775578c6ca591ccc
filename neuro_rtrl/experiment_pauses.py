"""Pauses within an iteration: to keep the state of a run, and to hear signals.

Results do not depend on pauses (engine/passage.py), so there may be as many as one likes. Each
costs some microseconds; the number of steps between two is such that they come about ten times a
second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from neuro_rtrl.engine.passage import Between
from neuro_rtrl.experiment_history import History

FIRST, MOST = 1024, 1 << 20
QUICK, SLOW = 0.05, 0.2


class Within(Protocol):
    """Who looks, in pauses, whether something is to be done."""

    @property
    def left(self) -> int:
        """Steps until the next pause, at most."""
        ...

    def within(self) -> None:
        """Called in each pause of an iteration."""
        ...


@dataclass
class Pace:
    """Steps from one pause to the next.

    >>> pace = Pace(steps=8)
    >>> pace.begin()
    8
    >>> pace.again(after=0.01), pace.again(after=0.1), pace.again(after=3.0)
    (16, 16, 8)
    """

    steps: int = FIRST
    when: float = 0.0

    def begin(self) -> int:
        """The steps until the first pause of an iteration."""
        self.when = time.monotonic()
        return self.steps

    def again(self, after: float | None = None) -> int:
        """The steps until the next pause, if this one came `after` some seconds."""
        now = time.monotonic()
        took = now - self.when if after is None else after
        self.when = now
        if took < QUICK:
            self.steps = min(2 * self.steps, MOST)
        elif took > SLOW:
            self.steps = max(self.steps // 2, 1)
        return self.steps


def pauses(history: History, pace: Pace, keeper: Within, spent: Callable[[], float]) -> Between:
    """What `Learner.run` asks in the pauses of one iteration.

    Args:
        history: is told how far the iteration has come.
        pace: of this iteration and those before.
        keeper: may keep the state, or end the run by KeyboardInterrupt.
        spent: says how many seconds the iteration has taken.
    """

    def between(done: int) -> int:
        if done == history.within:  # nothing has been done that would have to be kept
            return min(pace.begin(), keeper.left)
        history.within, history.spent = done, spent()
        keeper.within()
        return min(pace.again(), keeper.left)

    return between
