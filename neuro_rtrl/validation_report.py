"""What a comparison found, in words and numbers.

Whether two trains part because of rounding is measured, not supposed: our own network runs again
from initial states that are a rounding or two away. For as long as these runs of ours agree with
the first, nothing but an error can part us from Brian2; after that, anything can (`horizon`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

FEWEST_SPIKES = 100
LEAST_AGREED = 5e-3  # seconds: what parts at once is no rounding
LOOSE = 1e-5  # states may part by so much where all spikes are the same
AGREES = "agrees"
ROUNDING = "agrees until rounding parts the two"
SAME_SPIKES = "same spikes, states within 1e-5"
SILENT = "too few spikes"
DIFFERS = "DIFFERS"
PASSED = (AGREES, SAME_SPIKES, ROUNDING)


@dataclass(frozen=True)
class CaseReport:
    """The comparison of one network.

    Attributes:
        reset: kind of the reset: "to a value", "by subtraction", "as written" or "none".
        refractory: the refractory periods, in words.
        delays: shortest and longest delay of a synapse, in seconds.
        spikes: spikes that were compared (of a unit without threshold: input spikes).
        rate: mean rate of the units in hertz.
        identical: whether the sets of (step, unit) are the same.
        max_state_difference: see `Report`.
        first_difference: the first (step, unit) that only one of both has, or None.
        agreed: seconds from the start in which all spikes are the same and all states within 1e-9.
        horizon: the same of runs of ours that start a rounding apart, the shortest of three.
        seconds: how long it ran.
        verdict: one of the words above; see `judged`.
    """

    reset: str
    refractory: str
    delays: tuple[float, float]
    spikes: int
    rate: float
    identical: bool
    max_state_difference: float
    first_difference: tuple[int, int] | None
    agreed: float
    horizon: float
    seconds: float
    verdict: str = SILENT

    @property
    def passed(self) -> bool:
        """Whether nothing but rounding is between the two."""
        return self.verdict in PASSED

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self) | {"passed": self.passed}


def verdict(
    *,
    method: str,
    spikes: int,
    identical: bool,
    difference: float,
    agreed: float,
    horizon: float,
    seconds: float,
) -> str:
    """What is to be said of two runs.

    Models that are integrated exactly have to agree to the end. Others may part when two runs of
    ours do, half of that time being allowed for the rounding of every step. With exponential Euler
    they may also have the same spikes to the end, and states that Brian2 rounds near a removable
    singularity (0/0 in the gates of Hodgkin and Huxley; against 40 digits ours are right to 1e-17).

    >>> verdict(method="euler", spikes=500, identical=False, difference=1.0, agreed=0.012,
    ...         horizon=0.014, seconds=1.0)
    'agrees until rounding parts the two'
    """
    if spikes <= FEWEST_SPIKES:
        return SILENT
    if agreed > 0.999 * seconds:
        return AGREES
    if method == "exact":
        return DIFFERS
    if method == "exponential_euler" and identical and difference <= LOOSE:
        return SAME_SPIKES
    return ROUNDING if agreed >= max(LEAST_AGREED, horizon / 2) else DIFFERS


def judged(method: str, case: CaseReport) -> CaseReport:
    """The case with its verdict, for a model that is integrated by `method`."""
    found = verdict(
        method=method,
        spikes=case.spikes,
        identical=case.identical,
        difference=case.max_state_difference,
        agreed=case.agreed,
        horizon=case.horizon,
        seconds=case.seconds,
    )
    return replace(case, verdict=found)


@dataclass(frozen=True)
class Report:
    """The comparison of one model, over all its cases.

    Attributes:
        model: its name.
        cases: what was compared.
        left_out: networks that could not be compared, with the reason.
        picture: the file with the picture, if one was asked for.
    """

    model: str
    cases: tuple[CaseReport, ...]
    left_out: tuple[str, ...] = ()
    picture: Path | None = None

    @property
    def spikes(self) -> int:
        """Sum over the cases."""
        return sum(case.spikes for case in self.cases)

    @property
    def identical(self) -> bool:
        """Whether the spikes of every case are the same to the end."""
        return all(case.identical for case in self.cases)

    @property
    def max_state_difference(self) -> float:
        """The largest of all cases, states and steps, measured by the largest value of the state.

        Of states without a unit that stay below 1 it is the difference itself.
        """
        return max(case.max_state_difference for case in self.cases)

    @property
    def agreed(self) -> float:
        """The shortest agreement of all cases, in seconds."""
        return min(case.agreed for case in self.cases)

    @property
    def passed(self) -> bool:
        """Whether every case has more than 100 spikes, and passed."""
        return all(case.passed for case in self.cases)

    @property
    def verdict(self) -> str:
        """The worst of all cases."""
        order = (*PASSED, SILENT, DIFFERS)
        return max((case.verdict for case in self.cases), key=order.index)

    def as_dict(self) -> dict[str, object]:
        """The figures, for JSON."""
        names = ("model", "spikes", "identical", "max_state_difference", "agreed", "verdict")
        return {name: getattr(self, name) for name in (*names, "passed")}
