"""A neuron model's text (TOML) -> `Model`. Everything is checked here, once.

The text is data: keys are a white list, expressions are parsed by `parser`, never evaluated. Each
error names the file, the key and its line, what was given and what was expected.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuro_rtrl.contracts import Model
from neuro_rtrl.equations.library import model_files
from neuro_rtrl.equations.model_build import build
from neuro_rtrl.equations.text_file import parse_toml, read_whole
from neuro_rtrl.errors import DescriptionError, NeuroRtrlError, unknown

LARGEST = 100_000  # bytes of a model text


def load_model(name: str | Path) -> Model:
    """The model called `name` (a shipped text) or stored in a `.toml` file.

    Raises:
        DescriptionError: no such model, or its text is wrong.

    >>> load_model("leaky_readout").readout
    'y'
    """
    shipped = model_files()
    if str(name) in shipped:
        return _load(shipped[str(name)])
    path = Path(name)
    if path.suffix != ".toml":
        raise unknown("neuron model", str(name), shipped)
    return _load(path)


def _load(path: Path) -> Model:
    return model_from_text(read_text(path), name=path.stem, where=path.name)


def read_text(path: Path) -> str:
    """The text of a file, which is not too large.

    Raises:
        DescriptionError: it is too large, or cannot be read.
    """
    try:
        return read_whole(path, LARGEST)
    except (OSError, UnicodeDecodeError) as error:
        raise DescriptionError(
            "this model text cannot be read",
            where=str(path),
            given=error,
            expected=f"a readable text file in UTF-8 of at most {LARGEST} bytes",
        ) from error


def model_from_text(source: str, *, name: str = "model", where: str = "model text") -> Model:
    """A model from TOML text.

    >>> text = '''
    ... equations = "dv/dt = -v/tau : 1"
    ... threshold = "v > 1"
    ... reset = "v = 0"
    ... [synapses]
    ... delta = "v += w"
    ... [parameters]
    ... tau = { value = 10, unit = "ms", meaning = "time constant" }
    ... '''
    >>> model_from_text(text).kind
    'ode'
    """
    return _build(name, read_toml(source, where), source, where)


def read_toml(source: str, where: str) -> dict[str, Any]:
    """The tables of a text.

    Raises:
        DescriptionError: it is not valid TOML.
    """
    try:
        return parse_toml(source)
    except tomllib.TOMLDecodeError as error:
        raise DescriptionError(
            "this is not valid TOML",
            where=where,
            given=str(error),
            expected="a model text as in docs/architecture.md",
        ) from error


def with_changes(model: Model, changes: Mapping[str, Any]) -> Model:
    """The same model with some lines of its text replaced (threshold, reset, method, ...).

    >>> with_changes(load_model("lif"), {"reset": "v -= v_th"}).text["reset"]
    'v -= v_th'
    """
    if not changes:
        return model
    table = parse_toml(model.source)
    table.update(changes)
    return _build(model.name, table, model.source, model.name)


def _build(name: str, table: dict[str, Any], source: str, where: str) -> Model:
    try:
        return build(name, table, source)
    except NeuroRtrlError as error:
        raise error.at(f"{where}{line_of(source, error.where)}") from error


def line_of(source: str, where: str) -> str:
    """ ", line 7" for a place such as "parameters.tau_m" or "equations: equation 2"."""
    keys = re.match(r"(\w+)(?:\.(\w+))?(?:: equation (\d+))?", where)
    if keys is None:
        return ""
    rows = source.splitlines()
    first, second, equation = keys.groups()
    section = _find(rows, rf"^\s*\[{first}\]", 0)
    if second is not None and section is not None:
        found = _find(rows, rf"^\s*{second}\s*=", section)
        return f", line {(section if found is None else found) + 1}"
    start = section if section is not None else _find(rows, rf"^\s*{first}\s*=", 0)
    if start is None:
        return ""
    if equation is None:
        return f", line {start + 1}"
    # TOML drops a line break right behind the opening quotes.
    first_row = start + 1 if rows[start].rstrip().endswith(('"""', "'''")) else start
    return f", line {first_row + int(equation)}"


def _find(rows: list[str], pattern: str, start: int) -> int | None:
    for i in range(start, len(rows)):
        if re.match(pattern, rows[i]):
            return i
    return None
