"""The nouns of synaptic plasticity without a gradient: what a synapse model's text says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from neuro_rtrl.contracts import Dimension, Parameter, State

if TYPE_CHECKING:
    import sympy

# The name on the left of the statement that sends something to the target.
SENT = "post"
EVENTS = ("pre", "post", "reward")


@dataclass(frozen=True)
class Statement:
    """`name` becomes `expression`; the name "post" stands for what arrives at the target.

    Variables in the expression have the values that the statements before it have left.
    """

    name: str
    expression: sympy.Expr


@dataclass(frozen=True)
class Synapse:
    """A synapse model as its text says, every expression in SymPy and every unit checked.

    Attributes:
        states: variables of each synapse; the weight w is the first.
        rates: state -> right-hand side of its equation, linear; the other states stand still
            between events. All are brought up to date at the events of their synapse only.
        on: event ("pre", "post", "reward") -> statements, done one after the other.
        target: variable of the target that the text names ("v" of "v_post += w"); "" if it is
            whatever the entry of the projection adds to; None if nothing is sent.
        sent: unit of what is sent.
        source: the whole text, to be read again with another unit of the weight.
    """

    name: str
    summary: str
    reference: str
    states: tuple[State, ...]
    parameters: dict[str, Parameter]
    rates: dict[str, sympy.Expr]
    on: dict[str, tuple[Statement, ...]]
    target: str | None
    sent: Dimension
    text: dict[str, str]
    source: str = field(default="", repr=False)
