"""What the loop over iterations leaves: losses, tests, and the last sequences for pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.engine.result import Result
from neuro_rtrl.experiment_figures import Shown

SHOWN_STEPS = 200
"""Steps at the end of a run that the raster shows, at least: whole sequences."""
MOST_SHOWN = 4000
"""Of a longer sequence it shows the end: more would be a blot, and events wait in memory."""

Events = tuple[np.ndarray, np.ndarray]


@dataclass
class Seen:
    """What was seen so far of the first sequence of the batch under way.

    Attributes:
        counts: population -> events.
        ends: for each piece that came, population -> (steps, units) of events that the raster of
            the sequence would show.
    """

    counts: dict[str, int] = field(default_factory=dict)
    ends: list[dict[str, Events]] = field(default_factory=list)

    def add(self, spikes: Mapping[str, Events], steps: int) -> None:
        """Takes in events of a sequence of so many steps."""
        end, first = {}, max(steps - MOST_SHOWN, 0)
        for name, (when, unit) in spikes.items():
            self.counts[name] = self.counts.get(name, 0) + when.size
            shown = when >= first
            end[name] = when[shown] - first, unit[shown]
        if any(when.size for when, _ in end.values()) or not self.ends:
            self.ends.append(end)

    def events(self) -> dict[str, Events]:
        """Those that the raster shows, of all pieces; steps count from the first shown."""
        return {
            name: (
                np.concatenate([end[name][0] for end in self.ends]),
                np.concatenate([end[name][1] for end in self.ends]),
            )
            for name in (self.ends[0] if self.ends else ())
        }


@dataclass
class History:
    """What the loop leaves. Lists have one entry for each iteration that was finished.

    Attributes:
        loss: mean loss per sequence of the batch.
        activity: fraction of unit-steps with an event, in the first sequence of the batch.
        seconds: of processor time, spent in learning.
        tests: (iterations done, score).
        last: events, predictions and targets of the first sequences of the last iterations, or
            of the ends of long ones.
        steps: of all sequences together.
        clock: steps of the first sequences of all batches.
        elapsed: seconds by the clock, of the parts of the run that have ended.
        counted: (iteration, density of the influence matrix), where a sweep counted it.
        interrupted: name of the signal that ended the run ("SIGINT" for Ctrl-C); "" if none did.
        within: steps of all sequences that are done in the iteration under way.
        spent: seconds of processor time that these took.
        seen: of the first sequence of the iteration under way, or of the last.
        left_out: steps of the last sequence before those that the raster shows.
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
    seen: Seen = field(default_factory=Seen)
    left_out: int = 0

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

    def keep(self, result: Result, trial: Trial, activity: float) -> None:
        """Adds an iteration, and forgets the sequences that the raster will not show."""
        steps = trial.inputs.shape[1]
        shown = min(steps, MOST_SHOWN)
        self.left_out = steps - shown
        self.within, self.spent = 0, 0.0
        self.loss.append(result.loss)
        self.steps += result.losses.size
        self.clock += steps
        self.activity.append(activity)
        # A raster is of sequences of one length; a curriculum may have changed it.
        if self.last and len(self.last[0][1]) != shown:
            self.last.clear()
        ends = result.predictions[0, -shown:].copy(), trial.targets[0, -shown:].copy()
        self.last.append((self.seen.events(), *ends))
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
            first=self.left_out,
        )
