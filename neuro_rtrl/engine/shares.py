"""The units of a simulation in several shares, one for each thread (kernels/meeting.py).

A share is a simulation of its own: its units, renumbered, and the synapses that end in them. Only
spikes pass from one to another. The groups of synapses of a source are kept even where they are
empty: so the calendar, and with it the order of sums, is the same in every share.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.course import aligned, make_cells, make_course, make_fan
from neuro_rtrl.engine.cut import cut_cells, cut_fan
from neuro_rtrl.engine.cut_plastic import Woven
from neuro_rtrl.engine.plasticity import Plastic
from neuro_rtrl.engine.threads import cores, run_on
from neuro_rtrl.kernels.cells import Cells, Course, Fan, Tape
from neuro_rtrl.kernels.fast import (
    run,
    run_all,
    run_at_once,
    run_together,
    run_together_at_once,
)
from neuro_rtrl.kernels.layout import CONDITION, RECORD_FULL, RECORDED, STEP
from neuro_rtrl.kernels.meeting import APART, ENDED, TOLD, UNITS, Meeting
from neuro_rtrl.kernels.refs import Packed

ABSENT = np.iinfo(np.int64).min  # what another share records


@dataclass(frozen=True)
class Share:
    """The units of one thread.

    Attributes:
        places: place in h of the whole network -> place in its own h; -1: not in it.
        woven: its plastic synapses.
    """

    cells: Cells
    fan: Fan
    course: Course
    meeting: Meeting
    places: np.ndarray
    woven: Woven

    def tape(self, whole: Tape) -> Tape:
        """Room for what its own units give."""
        outputs, traced = self.places[whole.outputs], self._traced(whole)
        outputs, traced = outputs[outputs >= 0], traced[traced != ABSENT]
        return whole._replace(
            outputs=outputs,
            predictions=np.zeros((len(whole.predictions), outputs.size)),
            traced=traced,
            trace=np.zeros((len(whole.trace), traced.size)),
            event_step=np.empty_like(whole.event_step),
            event_unit=np.empty_like(whole.event_unit),
        )

    def give(self, tape: Tape, whole: Tape) -> None:
        """Puts what its own units gave into the whole tape; every share has all spikes."""
        whole.predictions[:, self.places[whole.outputs] >= 0] = tape.predictions
        whole.trace[:, self._traced(whole) != ABSENT] = tape.trace

    def _traced(self, whole: Tape) -> np.ndarray:
        """What is recorded, by its own places (see `Tape.traced`), or ABSENT."""
        states, found = whole.traced >= 0, np.full(whole.traced.size, ABSENT)
        own = self.places[whole.traced[states]]
        found[states] = np.where(own >= 0, own, ABSENT)
        own = self.woven.find(-1 - whole.traced[~states])
        found[~states] = np.where(own >= 0, -1 - own, ABSENT)
        return found


class Shares:
    """All arrays of a simulation, and the threads that run it."""

    def __init__(self, built: Built, threads: int) -> None:
        """The initial state.

        Args:
            built: the network, with its synapses.
            threads: how many are wanted. There are no more of them than cores and units; networks
                with noise have one.
        """
        cells, fan = make_cells(built), make_fan(built)
        self.plastic = Plastic(built, fan)
        weave = self.plastic.weave
        noisy = bool(cells.chance.any())
        count = 1 if noisy else max(1, min(threads, cores(), built.plan.n))
        special = noisy or weave.size.size > 0
        self._plain = not special and not (cells.refractory == CONDITION).any()
        self._waits = bool(built.plan.inputs) or bool((fan.delay > 0).any())
        self._compiled = False
        meetings = _meetings(count, built.plan.n, bool(cells.graded.any()))
        if count == 1:
            whole = Woven(weave, weave, [])
            course = make_course(built, cells, fan)
            self._shares = [Share(cells, fan, course, meetings[0], np.zeros(0, np.int64), whole)]
            return
        self._shares = []
        for number, meeting in enumerate(meetings):
            own, places = cut_cells(built, cells, number, count)
            part, kept = cut_fan(fan, places)
            woven = self.plastic.cut(fan, part, cells, own, kept)
            course = make_course(built, own, part)
            self._shares.append(Share(own, part, course, meeting, places.h, woven))

    @property
    def threads(self) -> int:
        """How many there are."""
        return len(self._shares)

    @property
    def step(self) -> int:
        """The number of steps so far."""
        return int(self._shares[0].course.clock[STEP])

    @property
    def course(self) -> Course:
        """State of the whole simulation; of several shares, a copy of their h."""
        course = self._shares[0].course
        if self.threads == 1:
            return course
        h = np.empty(self._shares[0].places.size)
        for share in self._shares:
            mine = share.places >= 0
            h[mine] = share.course.h[share.places[mine]]
        return course._replace(h=h)

    def run(self, tape: Tape, take: Callable[[Course, Tape], None]) -> int:
        """Run the tape; returns what the kernel answers.

        Args:
            tape: what goes in, and room for what comes out.
            take: called with a course and a tape whose spikes are to be taken away.
        """
        if self.threads == 1:
            tapes = [tape]
        else:
            tapes = [share.tape(tape) for share in self._shares]
        while True:
            answer = self._together(tapes)
            take(self._shares[0].course, tapes[0])
            for share in self._shares:
                share.course.clock[RECORDED] = 0
            if answer != RECORD_FULL:
                break
        if self.threads > 1:
            for share, part in zip(self._shares, tapes, strict=True):
                share.give(part, tape)
        return answer

    @cached_property
    def _helpers(self) -> ThreadPoolExecutor:
        """All threads but the one that calls; they are its own, as they wait for each other."""
        return ThreadPoolExecutor(self.threads - 1)

    @cached_property
    def _packed(self) -> list[tuple[Packed, ...]]:
        """What stays the same from call to call, of each share."""
        return [
            tuple(Packed(x) for x in (s.cells, s.fan, s.course, s.meeting, s.woven.weave))
            for s in self._shares
        ]

    def _job(self, number: int, tape: Tape) -> Callable[[], int]:
        """The shortest kernel that has all that is asked for, with the arguments of a share."""
        cells, fan, course, meeting, weave = self._packed[number]
        given = cells, fan, course, Packed(tape)
        if not self._plain:
            return partial(run_all, *given, meeting, weave)
        if self.threads > 1:
            return partial(run_together if self._waits else run_together_at_once, *given, meeting)
        return partial(run if self._waits else run_at_once, *given)

    def _together(self, tapes: list[Tape]) -> int:
        jobs = [self._job(number, tape) for number, tape in enumerate(tapes)]
        if len(jobs) == 1:
            return int(jobs[0]())
        if not self._compiled:  # nobody waits meanwhile: this call has no steps
            self._job(0, tapes[0]._replace(begin=np.full(2, self.step)))()
            self._compiled = True
        told = self._shares[0].meeting.page[:, TOLD]
        told[:] = self.step
        count = len(jobs)
        others: list[Future[int]] = []
        try:
            for k in range(1, count):
                others.append(self._helpers.submit(run_on, k, count, jobs[k]))
            answers = [run_on(0, count, jobs[0]), *[other.result() for other in others]]
        except BaseException:
            told[:] = ENDED  # nobody waits for a thread that did not start
            wait(others)
            raise
        # They agree, except where one of them has found a state that is not finite.
        return int(max(answers))


def _meetings(count: int, n: int, graded: bool) -> list[Meeting]:
    """For each thread its view of what they share."""
    width = -(-(UNITS + n) // APART) * APART if count > 1 else APART
    page = aligned(np.zeros(2 * count * width, np.int64)).reshape(2 * count, width)
    value = np.zeros((2 * count, n if graded and count > 1 else 0))
    return [Meeting(np.array([me]), page, value, np.zeros(count, np.int64)) for me in range(count)]
