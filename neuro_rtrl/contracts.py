"""The public nouns: plain values that the rooms of the house hand to each other.

Nothing here computes. A `Model` is what a neuron model's text says once it has been read and
checked; a `Trial` is what a task hands to the loop; `Rule`, `Optimizer` and `Task` say what a new
file in `rules/`, `optimizers/` or `tasks/` has to offer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import sympy

# Powers are whole, or halves (the unit of noise); whole ones are kept as int.
Dimension = tuple[tuple[str, float], ...]

SECOND: Dimension = (("second", 1),)
DIMENSIONLESS: Dimension = ()


@dataclass(frozen=True)
class Parameter:
    """A constant of a model: `value` in SI base units, `unit` as the user wrote it."""

    name: str
    value: float
    unit: str
    dimension: Dimension
    meaning: str


@dataclass(frozen=True)
class State:
    """A state variable: `initial` in SI base units; `held` while the unit is refractory.

    `start` is its initial value as an expression, where the text has one; then `initial` is 0.
    """

    name: str
    unit: str
    dimension: Dimension
    initial: float
    held: bool
    meaning: str
    start: str | None = None


@dataclass(frozen=True)
class Port:
    """An entry for synapses: an arrival of weight w adds `gain * w` to `target`.

    `target` is a state variable (`is_state`), or an input of a map model, which collects the
    arrivals of a step until the recurrence uses them.
    """

    name: str
    target: str
    is_state: bool
    gain: sympy.Expr
    dimension: Dimension


@dataclass(frozen=True)
class Surrogate:
    """The derivative psi that stands for dH/dg at the threshold, as a function of g.

    Args:
        shape: one of triangle, boxcar, exponential, fast_sigmoid, arctan, spike_only, or none
            (psi = 0: nothing has influence through such spikes).
        height: psi at g = 0 (for `spike_only`: psi of a unit that spikes), in 1/[g].
        width: half-width, in [g] (triangle, boxcar: the support; the others: the scale).
        cutoff: psi is exactly zero for |g| >= cutoff (in [g]). None: `width` for triangle and
            boxcar; 5 widths for the shapes without compact support.
    """

    shape: str = "triangle"
    height: float = 0.3
    width: float = 1.0
    cutoff: float | None = None


@dataclass(frozen=True)
class Model:
    """A neuron model as its text says, with every expression in SymPy and every unit checked.

    Attributes:
        kind: "ode" (`rates` are dx/dt) or "map" (`rates` are x[t+1]).
        inputs: names of the inputs of a map model (collected arrivals), in order.
        rates: state name -> right-hand side; subexpressions are substituted.
        threshold: g of the test g > 0 (`strict`) or g >= 0; None for a unit that never spikes.
        output: factor f of a graded event y = s f(h); None for a plain spike y = s.
        reset: state name -> value after a spike; only the states that the reset names.
        refractory: duration (seconds) as an expression of the parameters, or None.
        refractory_while: 1 or 0 as an expression of the states: from its spike on a unit is
            refractory for as long as this is 1; or None.
        noise: random channels, drawn anew for each unit and step: "xi..." standard normal,
            "rand..." uniform in [0, 1).
        reset_gradient: whether the jumps of the states at a spike are differentiated: all of them,
            none, or those of the named states.
        readout: state that a loss reads, or None.
        text: the strings as written: equations, threshold, reset, refractory.
    """

    name: str
    summary: str
    reference: str
    kind: str
    method: str
    states: tuple[State, ...]
    inputs: tuple[str, ...]
    parameters: dict[str, Parameter]
    rates: dict[str, sympy.Expr]
    threshold: sympy.Expr | None
    strict: bool
    output: sympy.Expr | None
    reset: dict[str, sympy.Expr]
    refractory: sympy.Expr | None
    reset_gradient: bool | tuple[str, ...]
    ports: dict[str, Port]
    surrogate: Surrogate
    readout: str | None
    text: dict[str, str]
    source: str = field(default="", repr=False)
    refractory_while: sympy.Expr | None = None
    noise: tuple[str, ...] = ()

    def differentiates(self, state: str) -> bool:
        """Whether the jump of a state at a spike takes part in the gradient."""
        if isinstance(self.reset_gradient, bool):
            return self.reset_gradient
        return state in self.reset_gradient


@dataclass(frozen=True)
class Trial:
    """One batch of sequences.

    Attributes:
        inputs: (batch, steps, inputs) float64; non-zero entries are events.
        targets: (batch, steps, outputs) float64; NaN where there is no error.
    """

    inputs: np.ndarray
    targets: np.ndarray


@runtime_checkable
class Task(Protocol):
    """Makes trials. A file `tasks/NAME.py` offers `make(rng, **options) -> Task`."""

    inputs: int
    outputs: int

    def train(self, iteration: int) -> Trial:
        """The training batch of an iteration (depends on the seed and `iteration` only)."""
        ...

    def test(self) -> Trial:
        """A fixed held-out batch."""
        ...

    def score(self, predictions: np.ndarray, trial: Trial) -> float:
        """A figure of merit in the task's own terms, larger is better."""
        ...


@runtime_checkable
class Curriculum(Protocol):
    """What a task offers besides, if it becomes harder as it is learned."""

    def report(self, trial: Trial, predictions: np.ndarray) -> None:
        """Takes note of a training batch and its predictions (batch, steps, outputs)."""
        ...


@runtime_checkable
class Recorded(Protocol):
    """What a task offers besides, if its trials are made of recorded data."""

    @property
    def origin(self) -> Mapping[str, str]:
        """What the file of a run says of the data: name, licence, origin, checksum."""
        ...


@runtime_checkable
class Recipe(Protocol):
    """What a task offers besides, if its recipe fixes the first weights of a network, too."""

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """Name -> matrix (sources, targets)."""
        ...


@runtime_checkable
class Prequential(Protocol):
    """What a task offers besides, if it may be scored by what a network predicts as it learns."""

    @property
    def prequential(self) -> bool:
        """Whether the score is that of the training batch's own predictions."""
        ...


class Optimizer(Protocol):
    """Changes parameters in place. A file `optimizers/NAME.py` offers a class of this shape."""

    def update(self, values: np.ndarray, gradient: np.ndarray) -> None:
        """One step along `gradient` (both of shape (p,))."""
        ...


class Lane(Protocol):
    """One stream of sequences under a rule."""

    run: Any

    def restart(self) -> None:
        """Back to the initial state; what was counted stays."""
        ...

    def advance(self, stream: Any, gradient: np.ndarray, restart: bool) -> bool:
        """Run a stream, adding to `gradient` (p,); True if it must be called again to finish it.

        The stream may be filled anew later: a lane keeps none of its arrays.
        """
        ...


@runtime_checkable
class Certified(Protocol):
    """What a lane offers besides, if its rule bounds its own error."""

    def certificate(self) -> float:
        """Bound of the 2-norm of the error of all that it ever added to a gradient."""
        ...


@runtime_checkable
class Reshaping(Protocol):
    """What a rule offers besides, if it runs on another network than the user's."""

    def network(self, net: Any) -> Any:
        """A copy with other surrogates or with auxiliary readouts; or the network itself."""
        ...


@runtime_checkable
class Guided(Protocol):
    """What a rule offers besides, if errors may pass to hidden units through other weights."""

    @property
    def takes_feedback(self) -> bool:
        """Whether users may give these weights."""
        ...

    def with_feedback(self, weights: Mapping[str, Any]) -> Rule:
        """The rule with these weights: projection -> what `Network.connect` takes as weights."""
        ...


class Rule(Protocol):
    """A way to compute the gradient. A file `rules/NAME.py` offers `RULE`, a value of this shape.

    `exactness` says what the rule drops, and in which networks it is nevertheless exact; `online`
    how often it has a gradient.
    """

    @property
    def name(self) -> str:
        """Name of the rule: that of its file."""
        ...

    @property
    def exactness(self) -> str:
        """What is dropped, and where the rule is exact all the same."""
        ...

    @property
    def online(self) -> int:
        """Steps from one gradient to the next: 1 (or True), K, or 0 (False): only at the end."""
        ...

    def prepare(self, built: Any) -> Any:
        """What all lanes share (a mask, say)."""
        ...

    def start(self, built: Any, shared: Any, precision: str) -> Lane:
        """A fresh lane of a built network."""
        ...

    def ledger(self, built: Any, shared: Any, lanes: Any) -> Any:
        """Counts of all lanes together."""
        ...
