"""What the loop over iterations leaves: losses, tests, and the last sequences for pictures."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.engine.result import Result
from neuro_rtrl.experiment_figures import Shown

SHOWN_STEPS = 200
"""Steps at the end of a run that the raster shows, at least; never less than a whole sequence."""

Events = tuple[np.ndarray, np.ndarray]


@dataclass
class History:
    """What the loop leaves. Lists have one entry for each iteration that was finished.

    Attributes:
        loss: mean loss per sequence of the batch.
        activity: fraction of unit-steps with an event, in the first sequence of the batch.
        seconds: of processor time, spent in learning.
        tests: (iterations done, score).
        last: events, predictions and targets of the first sequences of the last iterations.
        steps: of all sequences together.
        clock: steps of the first sequences of all batches.
        elapsed: seconds by the clock, of the parts of the run that have ended.
        counted: (iteration, density of the influence matrix), where a sweep counted it.
        interrupted: name of the signal that ended the run ("SIGINT" for Ctrl-C); "" if none did.
        within: steps of all sequences that are done in the iteration under way.
        spent: seconds of processor time that these took.
    """

    loss: list[float] = field(default_factory=list)
    activity: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    tests: list[tuple[int, float]] = field(default_factory=list)
    last: deque[tuple[dict[str, Events], np.ndarray, np.ndarray]] = field(default_factory=deque)
    steps: int = 0
    clock: int = 0
    elapsed: float = 0.0
    counted: list[tuple[int, float]] = field(default_factory=list)
    interrupted: str = ""
    within: int = 0
    spent: float = 0.0

    @property
    def begun(self) -> bool:
        """Whether anything was done that a run which goes on does not do again."""
        return bool(self.loss) or self.within > 0

    @property
    def score(self) -> float | None:
        """The last test's score; None before the first."""
        return self.tests[-1][1] if self.tests else None

    def learning_seconds(self) -> float:
        """Seconds of all iterations; the first, which compiles, counts as an average one."""
        later = self.seconds[1:] or self.seconds
        return float(np.mean(later)) * len(self.seconds) if later else 0.0

    def keep(
        self, events: dict[str, Events], result: Result, trial: Trial, activity: float
    ) -> None:
        """Adds an iteration, and forgets the sequences that the raster will not show."""
        steps = trial.inputs.shape[1]
        self.within, self.spent = 0, 0.0
        self.loss.append(result.loss)
        self.steps += result.losses.size
        self.clock += steps
        self.activity.append(activity)
        # A raster is of sequences of one length; a curriculum may have changed it.
        if self.last and len(self.last[0][1]) != steps:
            self.last.clear()
        self.last.append((events, result.predictions[0], trial.targets[0]))
        while (len(self.last) - 1) * steps >= SHOWN_STEPS:
            self.last.popleft()

    def last_steps(self, sizes: dict[str, int]) -> Shown:
        """The kept sequences as one; `sizes` are the numbers of units of the populations."""
        steps = len(self.last[0][1])
        joined = {
            name: (
                np.concatenate([e[name][0] + i * steps for i, (e, _, _) in enumerate(self.last)]),
                np.concatenate([e[name][1] for e, _, _ in self.last]),
            )
            for name in self.last[0][0]
        }
        return Shown(
            events=joined,
            sizes={name: sizes[name] for name in joined},
            predictions=np.concatenate([predictions for _, predictions, _ in self.last]),
            targets=np.concatenate([targets for _, _, targets in self.last]),
            sequence=steps,
        )
