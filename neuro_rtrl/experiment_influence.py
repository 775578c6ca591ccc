"""`[record.influence]`: rows of the influence matrix that a run keeps, in its first sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neuro_rtrl.contracts import Trial
from neuro_rtrl.engine.layout import INFLUENCE
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.errors import BuildError
from neuro_rtrl.experiment_keys import Table
from neuro_rtrl.learner import Learner


@dataclass(frozen=True)
class InfluenceText:
    """Which rows, and when.

    Attributes:
        units: population -> numbers of its units.
        every: steps from one look to the next, in the first sequence of a batch.
        iterations: from one such sequence to the next.
        own: only the units' own parameters: eligibility traces.
    """

    units: Mapping[str, tuple[int, ...]]
    every: int
    iterations: int
    own: bool


def read_influence(table: Table, sizes: Mapping[str, int]) -> InfluenceText | None:
    """The table of `[record]`; None if there is none.

    Args:
        table: `[record]`.
        sizes: population of neurons -> its units.
    """
    if "influence" not in table.values:
        return None
    part = table.table("influence")
    part.only(("units", "every", "iterations", "own"))
    units = part.table("units", required=True)
    units.only(sizes, "population")
    for name, chosen in units.values.items():
        known = range(sizes[name])
        listed = isinstance(chosen, list) and len(chosen) > 0
        if not listed or not all(type(unit) is int and unit in known for unit in chosen):
            expected = f"a list of whole numbers from 0 to {sizes[name] - 1}"
            raise units.refuse(name, "not numbers of units", expected)
    return InfluenceText(
        units={name: tuple(chosen) for name, chosen in units.values.items()},
        every=part.whole("every", 10),
        iterations=part.whole("iterations", 100),
        own=part.flag("own", False),
    )


def looked_at(text: InfluenceText | None, learner: Learner) -> dict[str, tuple[str, ...]]:
    """What a recorder is told: population -> names of what learns.

    Raises:
        BuildError: synapses come and go, so that their numbers say nothing.
    """
    if text is None:
        return {}
    if learner.plastic:
        raise BuildError(
            "influence is kept by numbers of synapses, and these come and go",
            where="record.influence",
            given=f"rewiring of {', '.join(learner.plastic)}",
            expected="a fixed wiring",
            remedy="Remove one of the two, or use Learner.influence at a time of your own.",
        )
    return dict.fromkeys(text.units, tuple(learner.parameters))


def record_influence(
    recorder: Recorder,
    text: InfluenceText | None,
    learner: Learner,
    iteration: int,
    trial: Trial,
    begin: int,
) -> None:
    """Keeps the rows in the first sequence of an iteration, before it is learned from.

    Args:
        recorder: of the run.
        text: None: nothing is kept.
        learner: it is left as it is.
        iteration: its number.
        trial: its batch.
        begin: step of the run at which the sequence begins.
    """
    if text is None or iteration % text.iterations:
        return
    found = learner.influence(
        trial.inputs[0], trial.targets[0], units=text.units, every=text.every, own=text.own
    )
    for name, influence in found.items():
        columns = {n: getattr(influence, n) for n in INFLUENCE} | {"step": influence.step + begin}
        recorder.append_rows(f"influence/{name}", *columns.values())
