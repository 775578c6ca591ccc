"""Lanes of rules that carry a few tangents instead of influence rows.

The influence matrix J (states x learned values of hidden units) is only known through its tangents:
J ~ V times something that the rule keeps. One step of RTRL, J <- D J + I, is then

    V <- D V      by the kernels, exactly (`kernels.tangent`)
    + I           by the rule's `absorb`, in its own way

and the gradient of a loss on readouts is what the rule makes of dL/dh . V. What is under way in
events counts among the states, and a step has three phases with an I of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro_rtrl.contracts_influence import Carried
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.carried import in_rows, in_tangents
from neuro_rtrl.engine.fresh_run import make_run
from neuro_rtrl.engine.ledger import Ledger, make_ledger, mask_density
from neuro_rtrl.engine.low_rank import combine
from neuro_rtrl.engine.row_parts import Part, of_rows
from neuro_rtrl.engine.simulation import not_finite
from neuro_rtrl.engine.storage import grow_columns, grow_events, make_rows, most_of, storage_bytes
from neuro_rtrl.engine.tangent_phase import Approximation, handed_out
from neuro_rtrl.engine.tangent_storage import (
    Shared,
    make_tangents,
    restart_tangents,
    share,
    with_room,
)
from neuro_rtrl.errors import SimulationError
from neuro_rtrl.kernels.entry import start_rows, start_run
from neuro_rtrl.kernels.layout import ENTRIES as HELD
from neuro_rtrl.kernels.layout import (
    FINISHED,
    GRADIENT_ADDS,
    LIVE,
    MULTIPLY_ADDS,
    NEED_COLUMNS,
    RECORDED,
    SEQUENCE,
    STEP,
    Rows,
    Run,
)
from neuro_rtrl.kernels.refs import Caller
from neuro_rtrl.kernels.simulate import CHECK_EVERY
from neuro_rtrl.kernels.stream import Stream
from neuro_rtrl.kernels.tangent_step import settle, to_end, to_events, to_threshold
from neuro_rtrl.kernels.transplant import catch_up_rows, settle_rows


class Lane:
    """One stream of sequences: states, queue, exact rows of readouts, tangents for the rest."""

    def __init__(self, built: Built, shared: Shared, rule: TangentRule) -> None:
        self.built, self.shared, self.mask = built, shared, shared.mask
        self.run: Run = make_run(built)
        self.rows: Rows = make_rows(built, shared.mask, "float64")
        rng = np.random.default_rng(shared.seeds.spawn(1)[0])
        self.rule: Approximation = rule.make(built, shared, rng)
        self.tangents = make_tangents(built, shared, self.rule.columns, rule.residual)
        self._wanted = np.zeros(shared.mask.columns.size, np.int64)
        kernels = (to_threshold, to_events, to_end)
        self._to_threshold, self._to_events, self._to_end = map(Caller, kernels)
        units, (outputs, readout) = built.units, built.outputs
        p = units.population[outputs]
        self._read = units.at_h[p] + readout * units.size[p] + outputs - units.first[p]
        self._bound = 0.0

    def restart(self) -> None:
        """Initial states, nothing under way, no influence; counts and draws go on."""
        self.run.clock[:] = 0
        self.rows.gathered[:] = 0
        self._begin()

    def _begin(self) -> None:
        start_run(self.built.units, self.run)
        start_rows(self.built.units, self.mask, self.rows)
        restart_tangents(self.tangents, self.built.units.initial.size)
        self.rule.restart()

    def advance(self, stream: Stream, gradient: np.ndarray, restart: bool) -> bool:
        """Run the stream, adding to `gradient`; True if the record of spikes is full first."""
        clock, start = self.run.clock, int(stream.offset[0])
        while clock[SEQUENCE] < stream.span[0]:
            if restart and clock[STEP] == start:
                settle(self.mask, self.rows, gradient)
                self._begin()
            while clock[STEP] - start < stream.span[1]:
                if not _record_room(stream, self.run):
                    return True
                self._step(stream, gradient)
                if clock[STEP] % CHECK_EVERY == 0:
                    self._check()
            self._check()
            clock[SEQUENCE] += 1
            if restart:
                clock[STEP] = start
        settle(self.mask, self.rows, gradient)
        clock[SEQUENCE] = 0
        return False

    def _check(self) -> None:
        if not np.isfinite(self.run.h).all():
            raise not_finite(self.built, self.run)
        if not np.isfinite(self.tangents.V).all():
            raise SimulationError(
                "the tangents are not finite",
                where=f"step {self.run.clock[STEP]} or shortly before",
                given="NaN or infinity",
                expected="finite numbers",
                remedy="Use smaller weights, a lower surrogate, or shorter sequences.",
            )

    def _step(self, stream: Stream, gradient: np.ndarray) -> None:
        b, mask, run = self.built, self.mask, self.run
        self._to_threshold(self._tables(stream), b.values)
        self._absorb()
        self.tangents = with_room(self.tangents, int(run.clock[LIVE]))
        while True:
            answer = self._to_events(self._tables(stream), self._wanted)
            if answer == FINISHED:
                break
            if answer == NEED_COLUMNS:
                self.rows = grow_columns(b, mask, self.rows, self._wanted)
            else:
                self.rows = grow_events(self.rows, run.live.size)
        self._absorb()
        self._to_end(self._tables(stream), b.values, gradient)
        self.rows.counts[HELD] += self.tangents.V.size + self.rule.kept().size
        self._absorb()
        self._learn(stream, gradient)

    def _tables(self, stream: Stream) -> tuple[Any, ...]:
        b = self.built
        return b.units, b.wires, self.mask, self.run, self.rows, stream, self.tangents

    def _absorb(self) -> None:
        tangents, phase = self.tangents, handed_out(self.tangents, self.rows, self.mask, self.run)
        if phase is None:
            return
        # Numbers that overflow are found by `_check`, with a message of our own.
        with np.errstate(all="ignore"):
            self.rows.counts[MULTIPLY_ADDS] += self.rule.absorb(tangents, phase)

    def _learn(self, stream: Stream, gradient: np.ndarray) -> None:
        """g += what the rule makes of dL/dh . V."""
        if not stream.slope.any():
            return
        with np.errstate(all="ignore"):
            weights = combine(stream.slope[None], self.tangents.V[self._read])[0]
            gradient += self.rule.gradient(weights)
            self._bound += float((abs(stream.slope) * self.tangents.bound[self._read]).sum())
        adds = stream.slope.size * self.rule.columns + int(self.shared.learned.sum())
        self.rows.counts[GRADIENT_ADDS] += adds

    def carried(self) -> list[Carried]:
        """Exact rows, tangents, and what the rule keeps besides them."""
        found = in_rows(self.built, self.mask, self.rows)
        return found + in_tangents(self.built, self.tangents, self.rule.kept())

    @property
    def readable(self) -> bool:
        """A row is what the rule makes of a row of V."""
        return True

    def settle(self) -> None:
        """Nothing is pending in the exact rows."""
        settle_rows(self.built.units, self.mask, self.run, self.rows)

    def put_together(self) -> None:
        """Nothing is only read."""

    def catch_up(self) -> None:
        """What waits in the exact rows has the flows of now; in tangents nothing does."""
        catch_up_rows(self.built.units, self.mask, self.run, self.rows)

    def take_flows(self) -> None:
        """None is kept anywhere else."""

    def row(self, unit: int) -> Iterator[Part]:
        """Parts of the rows of a unit: exact ones, and what tangents stand for."""
        residual, hidden = bool(self.tangents.residual[0]), bool(self.shared.hidden[unit])
        if residual or not hidden:
            yield from of_rows(self.built, self.mask, self.rows, unit)
        units = self.built.units
        p = units.population[unit]
        first = int(units.at_h[p] + unit - units.first[p])
        states = first + int(units.size[p]) * np.arange(int(units.d[p]))
        rows = [self.rule.gradient(self.tangents.V[state]) for state in states]
        yield np.arange(self.built.values.size), np.stack(rows)

    def bound(self) -> float:
        """Sum over all steps so far of |dL/dh| times the bounds of the readouts' rows."""
        return self._bound

    def storage(self) -> int:
        """Bytes of everything that stands for influence."""
        kept = self.tangents.V.nbytes + self.tangents.bound.nbytes + self.rule.kept().nbytes
        return storage_bytes(self.rows) + kept


class CertifiedLane(Lane):
    """A lane of a rule whose tangents have a bound of what they miss."""

    def certificate(self) -> float:
        """Bound of the 2-norm of the error of all gradients since the lane was made."""
        return self.bound()


def _record_room(stream: Stream, run: Run) -> bool:
    """The same as `kernels.stream.record_room`."""
    states = stream.traced.size > 0 and run.clock[SEQUENCE] == 0
    if states and stream.filled[0] == len(stream.trace):
        return False
    size = stream.event_step.size
    if size != 0 and size - run.clock[RECORDED] < run.s.size:
        return False
    stream.pause[0] -= 1
    return bool(stream.pause[0] >= 0 or run.clock[STEP] == stream.offset[0])


@dataclass(frozen=True)
class TangentRule:
    """A rule that carries tangents.

    Attributes:
        name: as users say it.
        exactness: what is dropped or replaced by noise, and where the rule is exact.
        make: (built network, what lanes share, random generator) -> its part in a lane.
        residual: tangents stand for what SnAp-1 misses, and a certificate is kept.
    """

    name: str
    exactness: str
    make: Callable[[Built, Shared, np.random.Generator], Approximation]
    residual: bool = False

    @property
    def online(self) -> bool:
        """There is a gradient at every step."""
        return True

    def prepare(self, built: Built) -> Shared:
        """The mask of the exact rows, and the seeds of the lanes."""
        return share(built, self.residual)

    def start(self, built: Built, shared: Shared, precision: str) -> Lane:
        """A fresh lane; it computes in float64 whatever the `precision`."""
        return (CertifiedLane if self.residual else Lane)(built, shared, self)

    @property
    def at_once(self) -> bool:
        """Columns of the exact rows come as they come alive."""
        return False

    def most_bytes(self, built: Built, shared: Shared, precision: str, steps: int) -> int:
        """Bytes of the exact rows of a lane whose columns are all alive."""
        return most_of(built, shared.mask, "float64")

    def ledger(self, built: Built, shared: Shared, lanes: list[Lane]) -> Ledger:
        """Counts of all lanes together; columns and mask are those of the exact rows."""
        return make_ledger(
            np.sum([lane.run.counts for lane in lanes], axis=0),
            np.sum([lane.rows.counts for lane in lanes], axis=0),
            int(shared.mask.columns.sum()),
            mask_density(built, shared.mask),
            sum(lane.storage() for lane in lanes),
        )
