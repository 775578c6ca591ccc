"""Whole sequences of a batch in shares, several of which may be under way at once, in threads.

A share is some sequences that follow each other. Each lane begins a share as any other would, and
its gradient is summed by itself before it is added to that of the shares before. So results depend
on how a batch is cut, but neither on the lane that runs a share nor on the number of threads; and
how it is cut follows from the batch alone. Shares are large enough that to begin one costs little.

A pause that is due while shares are run at once waits for the end of those that have begun; where
that took longer than anybody should wait, shares are run one after the other, and pauses come
wherever the lane makes them.
"""

from __future__ import annotations

import time
from concurrent.futures import wait
from functools import partial
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro_rtrl.contracts_influence import Sharing
from neuro_rtrl.engine.monitor import Monitor
from neuro_rtrl.engine.passage import ALL, Batch, Passage
from neuro_rtrl.engine.streams import Streams
from neuro_rtrl.engine.threads import by_itself, pool, run_on, threads

if TYPE_CHECKING:
    from neuro_rtrl.engine.learning import Session
    from neuro_rtrl.engine.result import Result

LEAST_STEPS = 2048  # of all sequences of a share
MOST = 32  # shares of a batch
PATIENCE = 20.0  # seconds for which pauses may wait


def cut(sequences: int, steps: int) -> list[slice]:
    """The sequences of each share.

    >>> cut(6, 1500)
    [slice(0, 1, None), slice(1, 3, None), slice(3, 4, None), slice(4, 6, None)]
    >>> cut(100, 17)
    [slice(0, 100, None)]
    """
    count = max(min(MOST, sequences, sequences * steps // LEAST_STEPS), 1)
    bounds = [sequences * k // count for k in range(count + 1)]
    return [slice(low, high) for low, high in pairwise(bounds)]


def lanes(session: Session, batch: int, steps: int) -> int:
    """How many lanes so many sequences take at most."""
    return batch if session.update_every else min(threads(), len(cut(batch, steps)))


class Crew:
    """Lanes of one session that share the work."""

    def __init__(self, session: Session) -> None:
        """Nothing is under way."""
        self._session, self._able = session, _able(session)
        self._streams: list[Streams] = []
        self._took = 0.0

    def run(self, passage: Passage, batch: Batch) -> None:
        """Run what is left of a batch, each sequence from the initial state."""
        session, scale = self._session, 1.0 / batch.inputs.shape[0]
        shares = self._shares(passage, batch)
        while passage.number < len(shares):
            count = min(threads(), len(shares) - passage.number)
            patient = session.between is None or self._took <= PATIENCE
            if count > 1 and patient and not passage.midway:
                self._at_once(_Shift(session, passage, shares, scale, count), count)
            else:
                _begin(passage, session.lane(0))
                session.advance(passage, shares[passage.number], scale, restart=True)
                passage.number += 1
            if session.pause[0] <= 0 and passage.number < len(shares):
                self._pause(passage)

    def _pause(self, passage: Passage) -> None:
        """A pause that was due within a share, and had to wait for its end."""
        session = self._session
        session.pause[0] -= 1
        passage.count(session.pause)
        for lane in session.lanes:  # nothing of a sequence is left to be kept
            lane.restart()
        session.look(passage)

    def _shares(self, passage: Passage, batch: Batch) -> list[Batch]:
        """The shares of a batch; the first has what is recorded."""
        sequences, steps = batch.inputs.shape[:2]
        slices = cut(sequences, steps) if self._able else [slice(0, sequences)]
        if len(slices) == 1:
            return [batch]
        if passage.number == 0 and not passage.midway:
            passage.pace = self._session.lane(0).pace.copy()
        parts = [batch.part(one, ALL) for one in slices]
        listened = self._session.outlet is not None
        return [parts[0], *(part.unseen(handed_on=listened) for part in parts[1:])]

    def _at_once(self, shift: _Shift, count: int) -> None:
        """Run the next shares, until a pause is due; this thread is one of `count`."""
        began, session = time.monotonic(), self._session
        while len(self._streams) < count:
            self._streams.append(session.streams.apart())
        given = [(k, session.lane(k), self._streams[k]) for k in range(count)]
        jobs = [partial(run_on, k, count, partial(shift.work, *given[k])) for k in range(count)]
        helpers = [pool(count - 1).submit(job) for job in jobs[1:]]
        try:
            jobs[0]()
        finally:
            shift.over = True
            wait(helpers)
        for helper in helpers:
            helper.result()
        shift.close()
        self._took = time.monotonic() - began


class _Shift:
    """Shares that are run at once.

    Attributes:
        over: no other share is to be begun.
    """

    def __init__(
        self, session: Session, passage: Passage, shares: list[Batch], scale: float, count: int
    ) -> None:
        """From the present share of a passage on, with so many workers.

        Gradients are multiplied by `scale` when they are added.
        """
        self._session, self._passage, self._shares, self._scale = session, passage, shares, scale
        self._begun = self._next = passage.number
        self._until_pause, self._steps = int(session.pause[0]), 0
        self._lock, self.over = Lock(), False
        self._found: dict[int, tuple[Result, np.ndarray]] = {}
        self._failed: dict[int, Exception] = {}
        self._free: list[np.ndarray] = []
        self._pace = passage.pace
        for _ in range(count):
            self._take()

    def work(self, worker: int, lane: Any, streams: Streams) -> None:
        """Run one share after the other in a lane; the first, who is listened to, has the first."""
        number: int | None = self._begun + worker
        while number is not None:
            try:
                self._one(number, lane, streams)
            except Exception as error:  # the first share that has one tells
                self._failed[number], self.over = error, True
            with self._lock:
                due = self.over or self._steps >= self._until_pause
                number = None if due else self._take()

    def close(self) -> None:
        """All workers have gone home.

        Raises:
            SimulationError: that of the first share that has one.
        """
        if self._failed:
            raise self._failed[min(self._failed)]
        self._session.lane(0).pace[:] = self._pace
        self._session.pause[0] = self._until_pause - self._steps

    def _take(self) -> int | None:
        """The number of the next share, if there is one."""
        if self._next == len(self._shares):
            return None
        self._next += 1
        self._steps += self._shares[self._next - 1].inputs[:, :, 0].size
        return self._next - 1

    def _one(self, number: int, lane: Any, streams: Streams) -> None:
        session = self._session
        stream = streams.whole(self._shares[number], 0)
        monitor = Monitor(session.built, session.outlet if number == 0 else None)
        with self._lock:
            gradient = self._free.pop() if self._free else np.empty(session.built.values.size)
        gradient[:] = 0.0
        _begin(self._passage, lane)
        with by_itself():
            while lane.advance(stream, gradient, True):
                monitor.take(lane.run, stream)
        monitor.take(lane.run, stream)
        with self._lock:
            session.guard.lane(lane, stream)
            self._found[number] = monitor.result(stream, session.outputs.size), gradient
            if number == len(self._shares) - 1:
                self._pace = lane.pace.copy()
            self._add()

    def _add(self) -> None:
        """What shares gave, in their order."""
        passage = self._passage
        while passage.number in self._found:
            result, gradient = self._found.pop(passage.number)
            self._session.gathered.add(self._scale, gradient)
            self._free.append(gradient)
            passage.parts[0].append(result)
            passage.number += 1


def _begin(passage: Passage, lane: Any) -> None:
    """A lane is to begin a share as any other would."""
    if passage.pace.size and not passage.midway:
        lane.pace[:] = passage.pace


def _able(session: Session) -> bool:
    """Whether lanes do not know of each other, nor of sequences before."""
    lane = session.lane(0)
    noisy = bool(session.built.units.chance.any())
    return session.plastic is None and not noisy and isinstance(lane, Sharing) and lane.shares
