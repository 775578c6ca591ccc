"""Rows of an influence matrix as tables of the entries that are not zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.errors import unknown


@dataclass(frozen=True)
class Influence:
    """Entries of the influence matrix that are not zero, of some units of a population.

    All arrays are (entries,), in the order of the steps.

    Attributes:
        step: after which it was looked at.
        unit: of the population.
        state: number of its state, in the order of the model's text.
        learned: number of the learned name in `names`.
        number: of the learned value there: a synapse, or a unit with such a parameter.
        value: d state / d learned value, in SI base units.
        names: what learns: "projection", or "population.parameter".
    """

    step: np.ndarray
    unit: np.ndarray
    state: np.ndarray
    learned: np.ndarray
    number: np.ndarray
    value: np.ndarray
    names: tuple[str, ...]

    def of(self, name: str) -> Influence:
        """Only the entries of one learned name.

        Raises:
            DescriptionError: nothing that learns has this name.
        """
        if name not in self.names:
            raise unknown("learned parameter", name, self.names)
        chosen = self.learned == self.names.index(name)
        return Influence(
            self.step[chosen], self.unit[chosen], self.state[chosen], self.learned[chosen],
            self.number[chosen], self.value[chosen], self.names,
        )  # fmt: skip
