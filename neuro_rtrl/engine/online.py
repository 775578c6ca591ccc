"""Updates between the steps of a sequence, all in one call of a kernel.

To leave a kernel for each update, look at everything, call an optimizer and come back costs some 60
us, where a step of a local rule takes one. So a kernel is handed the optimizer as a table
(kernels/descent.py) and runs up to a thousand steps with it. Its results are, to the last bit,
those of going back each time, which is what is done where something else has to see each update:
several sequences at once, wiring that changes, an optimizer that is not one of ours.

Plain descent after every step of a local rule waits until somebody hears of it, and costs what
events cost (kernels/postponed.py): the same sums in another order, equal but for rounding. There, a
call has the same steps wherever pauses come, so that these do not change a bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuro_rtrl.contracts import Certified, Optimizer
from neuro_rtrl.contracts_updates import Postponing, Stepping, Steps, Updating
from neuro_rtrl.engine.build import Built
from neuro_rtrl.kernels.descent import MOST_UPDATES, STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable

    from neuro_rtrl.engine.learning import Session
    from neuro_rtrl.engine.passage import Batch, Passage
    from neuro_rtrl.kernels.descent import Descent
    from neuro_rtrl.kernels.stream import Stream

MOST_STEPS = 1024
"""Steps of a call; then influence is looked at, and whoever listens is given what was recorded."""


class Within:
    """The optimizer of a session, as its kernels have it."""

    def __init__(self, session: Session, lane: Any) -> None:
        """Of a session whose kernels update the weights, if `lane` and the optimizer can."""
        self._session, self._every = session, session.update_every
        steps = steps_of(session.optimizer)
        self._steps: Any = steps
        able = steps is not None and isinstance(lane, Updating)
        still = self._every > 0 and session.plastic is None and session.flows.theta.size == 0
        some = session.built.plan.learned.size > 0 and not isinstance(lane, Certified)
        self._able = able and still and some and lane.learns(self._every)
        plain = steps is not None and steps.plain and self._every == 1
        self._waits = self._able and plain and isinstance(lane, Postponing)

    def count(self, passage: Passage, lanes: int, left: int) -> int:
        """Steps of the next call, of those that are left: whole windows, or none.

        Where updates wait, the number of steps does not depend on pauses, nor does the result.
        """
        every = self._every
        if not self._able or lanes > 1 or passage.lane > 0:
            return 0
        if self._waits and left > 1:
            return min(MOST_STEPS, left)
        if passage.midway:
            return 0
        most = min(max(MOST_STEPS, every), MOST_UPDATES * every)
        return max(min(left, most, int(self._session.pause[0])), 0) // every * every

    def open(self, lane: Any, batch: Batch) -> tuple[Callable[..., bool], Descent]:
        """What runs the steps of a batch, and the table that it is to be given."""
        session, steps = self._session, self._steps
        places = session.built.plan.learned, session.built.values.size
        updates = batch.inputs.shape[1] // self._every
        learn = lane.learn_later if self._waits and updates > 1 else lane.learn

        def run(stream: Stream, gradient: np.ndarray, table: Descent) -> bool:
            try:
                again: bool = learn(stream, gradient, table)
            finally:
                steps.close(table)
            if table.clock[STOPPED]:
                session.guard.gradient(gradient)
                session.guard.values(session.built.values)
            return again

        return run, steps.within(*places, self._every, updates)


def steps_of(optimizer: Any) -> Steps | None:
    """Those of an optimizer that kernels can take, if they are all that its `update` does."""
    steps = optimizer.steps if isinstance(optimizer, Stepping) else None
    if isinstance(steps, Steps) and steps.of is type(optimizer):
        return steps
    return None


def follow(optimizer: Optimizer, built: Built, gradient: np.ndarray) -> None:
    """The values that learn take a step of an optimizer along their part of `gradient`."""
    learned = built.plan.learned
    every = learned.size == built.values.size
    values = built.values if every else built.values[learned]
    with np.errstate(over="ignore", invalid="ignore"):  # noticed by the guard
        optimizer.update(values, gradient if every else gradient[learned])
    if not every:
        built.values[learned] = values
