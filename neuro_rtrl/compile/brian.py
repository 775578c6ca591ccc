"""A model's text -> the strings of a Brian2 `NeuronGroup` and its `Synapses`. Text only.

Brian2 reads nearly the same syntax. What differs is put right here: it knows fewer units and more
reserved names, allows base units only behind the colon, and has no `sigmoid`.

Source: Stimberg, Brette & Goodman 2019, eLife 8:e47314 (Brian2), and its documentation.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from neuro_rtrl.contracts import Dimension, Model
from neuro_rtrl.equations import units
from neuro_rtrl.equations.lines import Line, read_lines
from neuro_rtrl.errors import BuildError

_BASE = {"meter": "metre", "ampere": "amp", "candela": "candle"}  # pint's name -> Brian2's
_ASSIGNMENT = re.compile(r"^\s*(\w+)\s*([+\-*/]?=)\s*([^=].*)$", re.DOTALL)
_WORDS = re.compile(
    r"e|j|delay|t_in_timesteps|refractory|refractory_until|tan|arcsin|arccos|arctan|ceil|floor|clip|"
    r"expm1|exprel|int|log10|log1p|poisson|randn|sign|timestep"
)
_UNITS = re.compile(
    r"(?:da|[yzafpnumcdhkMGTPEZY])?"
    r"(?:amp|ampere|becquerel|candle|coulomb|farad|gramm?e?|gray|henry|hertz|joule|katal|kelvin|"
    r"lumen|lux|liter|litre|meter|metre|molar|mole?|newton|ohm|pascal|radian|second|siemens|sievert|"
    r"steradian|tesla|volt|watt|weber|Hz)[23]?"
    r"|[mnpu][AFMSVms][23]?|cm[23]?|kilogram(?:me)?[23]?|celsius"
)


NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class BrianText:
    """A model as Brian2 reads it.

    Attributes:
        equations: for `NeuronGroup(model=...)`; per-unit parameters are lines of their own.
        threshold: its threshold, or None.
        reset: its reset, one statement a line, or None.
        refractory: its refractory period, or the condition that ends it, or None.
        method: the name of the state updater, the same in both worlds.
        on_pre: port -> statement for `Synapses(on_pre=...)`; the weight is called `w`.
        weights: port -> line that declares the weight, for `Synapses(model=...)`.
        shared: name in Brian2 -> (value in SI base units, dimension) of the shared parameters.
        names: name in the model -> name in Brian2, of states, subexpressions and parameters.
    """

    equations: str
    threshold: str | None
    reset: str | None
    refractory: str | None
    method: str
    on_pre: dict[str, str]
    weights: dict[str, str]
    shared: dict[str, tuple[float, Dimension]]
    names: dict[str, str]


def to_brian(
    model: Model,
    *,
    per_unit: Collection[str] = (),
    refractory: bool = True,
    noise: Mapping[str, str] = NOTHING,
) -> BrianText:
    """The Brian2 texts of a model of differential equations.

    Args:
        model: the model.
        per_unit: the parameters that differ from unit to unit; they become `(constant)` variables,
            the others constants in the name space.
        refractory: False leaves refractoriness out, flags included (for periods of 0 steps:
            Brian2 would still make a unit ignore what arrives in the step of its spike).
        noise: random channel of the model -> what stands for it (a call of a `TimedArray`, say);
            the others are left to Brian2's own generator.

    Raises:
        BuildError: a map model; Brian2 has differential equations only.

    >>> from neuro_rtrl.equations.model_text import load_model
    >>> text = to_brian(load_model("lif"), per_unit=["tau_m"])
    >>> print(text.equations)
    dv/dt = (bias - v) / tau_m : 1 (unless refractory)
    tau_m : second (constant)
    >>> text.on_pre, text.weights
    ({'delta': 'v_post += w'}, {'delta': 'w : 1 (constant)'})
    """
    if model.kind != "ode":
        raise BuildError(
            "Brian2 has no recurrences x[t+1] = F(x[t])",
            where=model.name,
            given="a map model",
            expected="a model of differential equations dx/dt = ...",
        )
    lines = read_lines(model.text["equations"])
    names = usable_names([line.name for line in lines] + list(model.parameters)) | dict(noise)
    shared = {k: p for k, p in model.parameters.items() if k not in per_unit}
    post = {k: v if k in shared else f"{v}_post" for k, v in names.items()}
    held = refractory and "refractory" in model.text
    threshold, reset = model.text.get("threshold"), model.text.get("reset")
    return BrianText(
        equations=_equations(model, lines, names, held, shared),
        threshold=translate(threshold, names) if threshold else None,
        reset=_statements(reset, names) if reset else None,
        refractory=translate(model.text["refractory"], names) if held else None,
        method=model.method,
        on_pre={port: _statements(text, post) for port, text in _entries(model).items()},
        weights={k: f"w : {unit_text(p.dimension)} (constant)" for k, p in model.ports.items()},
        shared={names[k]: (p.value, p.dimension) for k, p in shared.items()},
        names=names,
    )


def unit_text(dimension: Dimension) -> str:
    """A dimension by its base units, the only form that Brian2 takes behind a colon.

    >>> unit_text(units.unit("mV")[1]), unit_text(units.unit("mm*kg")[1]), unit_text(())
    ('volt', 'kilogram*metre', '1')
    """
    known = units.unit_name(dimension)
    if known.isalpha() or not dimension:
        return _BASE.get(known, known)
    parts = [(_BASE.get(name, name), power) for name, power in dimension]
    return "*".join(name if power == 1 else f"{name}**{power}" for name, power in parts)


def translate(text: str, names: Mapping[str, str]) -> str:
    """An expression of ours as one of Brian2's; `names` says what each name is called there.

    >>> translate("sigmoid(e/u)", {"e": "our_e_0", "u": "u"})
    '1 / (1 + exp(-(our_e_0 / u)))'
    >>> translate("v > -60*uV", {"v": "v"})
    'v > -60 * (1e-06 * volt)'
    """
    tree = ast.parse(text.strip(), mode="eval")
    return ast.unparse(_Translation(names).visit(tree))


class _Translation(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names, self.drawn = names, 0

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.names:
            return ast.Name(self.names[node.id])
        if node.id not in units.EQUATION_UNITS:
            return node
        # Brian2 lacks many prefixed units, so a unit becomes its factor times its base units.
        factor, dimension = units.unit(node.id)
        return ast.parse(f"{factor!r} * {unit_text(dimension)}", mode="eval").body

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not node.args:  # rand() or randn(): as it is, or the number that stands for it
            self.drawn += 1
            given = self.names.get(f"{ast.unparse(node.func)}_{self.drawn}")
            return node if given is None else ast.Name(given)
        arguments = [self.visit(argument) for argument in node.args]
        if isinstance(node.func, ast.Name) and node.func.id == "sigmoid":
            inner = ast.unparse(arguments[0])
            return ast.parse(f"1 / (1 + exp(-({inner})))", mode="eval").body
        return ast.Call(node.func, arguments, [])


def usable_names(own: list[str]) -> dict[str, str]:
    """Our names -> names that Brian2 takes."""
    made: dict[str, str] = {}
    for name in own:
        free = f"our_{name}_0" if _taken(name) else name
        while free != name and free in own:
            free += "0"
        made[name] = free
    return made


def _taken(name: str) -> bool:
    """Whether Brian2 would refuse the name, or mean something else by it."""
    affixed = name.startswith("xi_") or name.endswith(("_pre", "_post"))
    return affixed or any(pattern.fullmatch(name) for pattern in (_WORDS, _UNITS))


def _equations(
    model: Model,
    lines: list[Line],
    names: Mapping[str, str],
    held: bool,
    shared: Collection[str],
) -> str:
    rows = []
    for line in lines:
        name = names[line.name]
        left = f"d{name}/dt" if line.kind == "rate" else name
        unit = unit_text(units.unit(line.unit)[1])
        flag = " (unless refractory)" if line.held and held else ""
        rows.append(f"{left} = {translate(line.expression, names)} : {unit}{flag}")
    for k, parameter in model.parameters.items():
        if k not in shared:
            rows.append(f"{names[k]} : {unit_text(parameter.dimension)} (constant)")
    return "\n".join(rows)


def _statements(text: str, names: Mapping[str, str]) -> str:
    """Assignments, one a line."""
    rows = []
    for part in filter(None, (p.strip() for p in re.split(r"[;\n]", text))):
        match = _ASSIGNMENT.match(part)
        if match is None:
            raise BuildError(
                "this is not an assignment", given=repr(part), expected='one like "v = v_reset"'
            )
        name, operator, value = match.groups()
        rows.append(f"{names[name]} {operator} {translate(value, names)}")
    return "\n".join(rows)


def _entries(model: Model) -> dict[str, str]:
    """Port -> its statement as written."""
    table: dict[str, str] = tomllib.loads(model.source).get("synapses", {})
    return {port: table[port] for port in model.ports}
