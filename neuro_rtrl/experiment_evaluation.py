"""Testing a network that learns: the simulation alone, on a copy, without any gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from neuro_rtrl.contracts import Task
from neuro_rtrl.engine.build import build
from neuro_rtrl.engine.fresh_run import make_run
from neuro_rtrl.engine.simulation import not_finite
from neuro_rtrl.engine.stream import make_stream
from neuro_rtrl.kernels.layout import FINISHED, SEQUENCE
from neuro_rtrl.kernels.simulate import simulate
from neuro_rtrl.network.describe import Network
from neuro_rtrl.network.plan import plan


class Evaluator:
    """Predictions of a network for given values of what it learns.

    Args:
        network: the network; built here once.
    """

    def __init__(self, network: Network) -> None:
        self._built = build(network)

    def follow(self, network: Network) -> None:
        """The same network, with another wiring."""
        made = plan(network)
        units = self._built.units._replace(at_theta=made.at_theta)
        self._built = replace(self._built, plan=made, units=units, values=made.values.copy())

    def predict(self, inputs: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """Predictions (batch, steps, outputs) for inputs (batch, steps, inputs).

        Args:
            inputs: each sequence starts from the initial state.
            parameters: name -> values, as `Learner.parameters` has them.

        Raises:
            SimulationError: a state is not finite.
        """
        built = self._built
        for name, values in parameters.items():
            built.values[built.plan.names[name]] = values
        stream, run = make_stream(built, inputs, None), make_run(built)
        answer = simulate(built.units, built.wires, built.values, run, stream, True)
        run.clock[SEQUENCE] = 0
        if answer != FINISHED:
            raise not_finite(built, run)
        return stream.predictions

    def score(self, task: Task, parameters: Mapping[str, np.ndarray]) -> float:
        """The task's score on its held-out trial."""
        trial = task.test()
        return task.score(self.predict(trial.inputs, parameters), trial)
