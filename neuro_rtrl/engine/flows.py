"""Constant Jacobians that learned parameters set: a time constant's flow, until the next update.

Between updates such a flow is a number as any other, so rows may wait for its powers, and windows
and diaries may be kept. Before it changes, what waits is brought up with the flow of its time.

Where values change so often that this would cost more than it saves, the Jacobians are computed at
every step instead, and nothing waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from neuro_rtrl.contracts_influence import Waiting
from neuro_rtrl.engine.build import Built
from neuro_rtrl.engine.counting import Counting
from neuro_rtrl.engine.fresh_run import fill_constant_jacobians, make_run
from neuro_rtrl.kernels.layout import Run

LEAST_STEPS = 16  # between updates, from which on flows stand still


def learns_flow(built: Built, p: int) -> bool:
    """Whether learned parameters set the constant Jacobian of population number p."""
    derived = built.plan.populations[p].derived
    return derived is not None and derived.steady and not derived.constant


class Flows:
    """The flows of one network that learns, as of the values that they were computed from.

    Attributes:
        theta: learned parameters of the populations whose flows they set.
        free, held: (d * d of each unit,) those flows, outside of refractory periods and within.
    """

    def __init__(self, built: Built, update_every: int) -> None:
        self._built = built
        if update_every == 0 or update_every >= LEAST_STEPS:
            built.units.constant[[learns_flow(built, p) for p in range(built.units.d.size)]] = 1
        self.theta = built.values[self._places]
        some = slice(None if self._chosen.any() else 0)
        self.free, self.held = built.units.flow_d[some], built.units.held_d[some]

    def follow(self, built: Built) -> None:
        """Goes on in another wiring of the same units, where parameters have other numbers."""
        self._built = built
        self.__dict__.pop("_places", None)

    def renew(self, lanes: Iterable[Any], fresh: bool) -> None:
        """Flows are those of the present values.

        Args:
            lanes: all that learn with these values.
            fresh: nothing waits in any of them, as all begin anew.
        """
        theta = self._built.values[self._places]
        if (theta == self.theta).all():
            return
        waiting = [lane for lane in lanes if isinstance(lane, Waiting)]
        for lane in waiting if not fresh else ():
            lane.catch_up()
        self.theta[:] = theta
        fill_constant_jacobians(self._built, self._chosen, self._run)
        for lane in waiting:
            lane.take_flows()

    @cached_property
    def _run(self) -> Run:
        """Scratch, with a number that is no lane's."""
        return make_run(replace(self._built, lanes=Counting()))

    @cached_property
    def _chosen(self) -> np.ndarray:
        """(populations,) those whose flows learn, and stand still between updates."""
        units = self._built.units
        learn = [learns_flow(self._built, p) for p in range(units.d.size)]
        return (np.array(learn) & (units.constant != 0)).astype(np.uint8)

    @cached_property
    def _places(self) -> np.ndarray:
        """Their learned parameters, among all values."""
        units, plan = self._built.units, self._built.plan
        each = (units.size * units.m * self._chosen).tolist()
        parts = [at + np.arange(n) for at, n in zip(plan.at_theta.tolist(), each, strict=True)]
        return np.concatenate([np.zeros(0, np.int64), *parts])
