"""Looks at a network while it learns, and warns where it will not, or not as cheaply as it could.

Each warning comes once in a run. A network is judged by `WINDOW` iterations together.
"""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from neuro_rtrl.contracts import Model, Trial
from neuro_rtrl.errors import NeuroRtrlWarning
from neuro_rtrl.experiment_training import AfterIteration, Job

WINDOW = 10
SATURATED = 0.9
"""Events per unit and step at which a spiking population says nothing any more."""
DENSE = 0.9
"""Unit-steps in the surrogate's support, at which influence is as expensive as without events."""
STALE = 0.3
"""Change of a projection's weights within a sequence, relative to their size."""


class SilentWarning(NeuroRtrlWarning):
    """A population does not spike: with a narrow surrogate nothing behind it learns."""


class SaturatedWarning(NeuroRtrlWarning):
    """A population spikes at nearly every step."""


class DenseWarning(NeuroRtrlWarning):
    """Nearly all units are in the support of their surrogate at every step: nothing is sparse."""


class StaleWarning(NeuroRtrlWarning):
    """Weights change so much within a sequence that its influence matrix is of other weights."""


@dataclass
class Watch:
    """Called after each iteration; passes it on to `after`."""

    after: AfterIteration
    told: set[str] = field(default_factory=set)
    events: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    counted: tuple[int, int] = (0, 0)
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    def __call__(self, iteration: int, job: Job, trial: Trial) -> None:
        """Looks at what the iteration left."""
        self.after(iteration, job, trial)
        if job.experiment.learning.update != "sequence":
            self._stale(job)
        self.events.update(job.history.seen.counts)
        self.steps += trial.inputs.shape[1]
        if (iteration + 1) % WINDOW == 0:
            self._rates(job)
            self._dense(job)
            self.events.clear()
            self.steps = 0

    def _tell(self, key: str, kind: type[NeuroRtrlWarning], text: str) -> None:
        if key not in self.told:
            self.told.add(key)
            warnings.warn(text, kind, stacklevel=5)

    def _rates(self, job: Job) -> None:
        """Events per unit and step of each spiking population, in the first sequences."""
        for name, count in self.events.items():
            population = job.network.populations[name]
            if population.model is None or not _thresholded(population.model):
                continue
            rate = count / (population.n * max(self.steps, 1))
            if count == 0:
                text = f"{job.label}: {name} has not spiked in {WINDOW} iterations. Use larger"
                text += " weights or a lower threshold, or see that its inputs reach it."
                self._tell(f"silent {name}", SilentWarning, text)
            elif rate >= SATURATED:
                text = f"{job.label}: {name} spikes in {rate:.0%} of all steps. Use smaller weights"
                text += " or a higher threshold."
                self._tell(f"saturated {name}", SaturatedWarning, text)

    def _dense(self, job: Job) -> None:
        """Unit-steps with psi != 0, of all since the last look."""
        ledger = job.learner.ledger
        share = ledger.densities["rows"]
        all_steps = round(ledger.sensitive / share) if share else 0
        before, self.counted = self.counted, (ledger.sensitive, all_steps)
        sensitive, steps = ledger.sensitive - before[0], all_steps - before[1]
        models = [p.model for p in job.network.populations.values() if p.model is not None]
        spiking = all(_thresholded(m) for m in models if m.readout is None)
        if spiking and steps > 0 and sensitive >= DENSE * steps:
            text = f"{job.label}: {sensitive / steps:.0%} of all units are in the support of their"
            text += " surrogate: influence is as expensive as without events. Use a narrower one"
            self._tell("dense", DenseWarning, f"{text} (surrogate.width).")

    def _stale(self, job: Job) -> None:
        """How far the weights have gone since the iteration before."""
        # Where synapses come and go, numbers of two iterations are not those of the same ones.
        moving = set(job.learner.plastic)
        present = {n: v for n, v in job.learner.parameters.items() if n not in moving}
        for name in job.network.projections:
            if name not in present or name not in self.weights:
                continue
            size = float(np.linalg.norm(self.weights[name]))
            change = float(np.linalg.norm(present[name] - self.weights[name]))
            if size > 0 and change > STALE * size:
                text = f"{job.label}: the weights of {name} changed by {change / size:.0%} within a"
                text += " sequence: the gradient mixes influence under old and new ones. Use a"
                self._tell("stale", StaleWarning, f'{text} smaller learning rate or "sequence".')
        self.weights = {name: values.copy() for name, values in present.items()}


def _thresholded(model: Model) -> bool:
    """Whether units may be silent; rate units (g = 1) emit at every step, as they should."""
    return model.threshold is not None and not model.threshold.is_number
