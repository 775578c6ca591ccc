"""Simulations' texts and spikes from users: a valid run, or one error of ours.

Beside the texts and files of `test_fuzz.py`, of whose means this makes use: texts of simulations;
events that such a text lists; arrays and arguments given to functions (files of spikes:
`test_fuzz_recordings.py`). A few hundred are tried by default, thousands with `-m verification`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuro_rtrl as nr
from neuro_rtrl import simulation_run
from neuro_rtrl.engine.simulation import Simulation
from neuro_rtrl.equations.library import simulation_files
from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.simulation_inputs import Events
from neuro_rtrl.simulation_run import run_simulation
from neuro_rtrl.simulation_text import load_simulation, make_network
from tests.test_fuzz import (
    ARRAYS,
    DEFAULT,
    MANY,
    ODD,
    bounded,
    changed,
    examples,
    refused_or_fine,
)
from tests.test_simulation_text import TEXT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="alarms")

PLAIN = """
summary = "units that are compiled already"
[network]
dt = "1 ms"
[populations.x]
inputs = 3
[populations.a]
n = 4
model = "lif"
[[projections]]
source = "x"
target = "a"
weights = 0.5
delay = "1 ms"
[inputs.x]
times = ["0 ms", "3 ms", "7.5 ms"]
units = [0, 2, 1]
[simulation]
duration = "20 ms"
[record]
states = ["a.v"]
"""
SIMULATIONS = [TEXT, PLAIN] * 10 + [f.read_text("utf-8") for f in simulation_files().values()]
MOST_STEPS, MOST_WORK = 1000, 10**5
"""Steps, and steps times units, of a text that is run to its end: more is not wrong, but long."""


def read_simulation(file: Path) -> None:
    """All but the run itself."""
    text = load_simulation(file)
    if sum(p.n for p in text.populations) < MOST_WORK:
        net = make_network(text)
        events = Events(text.sources, net.dt, text.seed)
        if events.width:
            events.block(0, min(text.steps, 20))


def run_to_the_end(file: Path) -> None:
    """The whole command, if that is not too long."""
    text = load_simulation(file)
    size = sum(p.n for p in text.populations)
    if text.steps <= MOST_STEPS and text.steps * size <= MOST_WORK and size <= 100:
        run_simulation(file, out=file.parent / "run")


def simulation_text(text: str) -> None:
    refused_or_fine(read_simulation, text, "fuzzed.toml")


def simulation(text: str) -> None:
    refused_or_fine(run_to_the_end, text, "fuzzed.toml")


@pytest.fixture
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation_run, "draw_simulation", lambda *arguments: None)


@given(changed(SIMULATIONS))
@examples(2 * DEFAULT)
def test_simulation_texts(text: str) -> None:
    simulation_text(text)


@given(changed([PLAIN]))
@examples(DEFAULT)
@pytest.mark.usefixtures("_no_pictures")
def test_simulations(text: str) -> None:
    simulation(text)


@pytest.mark.verification
@pytest.mark.parametrize("part", range(5))
@given(changed(SIMULATIONS))
@examples(MANY // 5)
def test_many_simulation_texts(part: int, text: str) -> None:
    simulation_text(text)


@pytest.mark.verification
@pytest.mark.parametrize("part", range(5))
@given(changed([PLAIN]))
@examples(MANY // 5)
@pytest.mark.usefixtures("_no_pictures")
def test_many_simulations(part: int, text: str) -> None:
    simulation(text)


HOSTILE_TIMES = """0 ms,1 ms,-1 ms,1e300 s,nan ms,inf s,5,5 mV,,1e999 ms,3 ms,2*ms,rand()*ms
1e-300 ms,999999999999 s,__import__('os'),0.99 ms,é ms"""
TIMES_SAID = st.one_of(
    st.sampled_from(re.split("[,\n]", HOSTILE_TIMES)),
    st.floats(0, 0.02).map(lambda time: f"{time!r} s"),
)
UNITS_SAID = st.integers(-1, 4) | st.sampled_from([2**63, -(2**63), 0.5, True, "0", 1e300, []])
EVENTS_SAID = st.lists(st.tuples(TIMES_SAID | UNITS_SAID, UNITS_SAID), max_size=6)
"""Times and units of events as a text lists them."""
OLD = PLAIN[PLAIN.index("times") : PLAIN.index("[simulation]")]


def listed_events(events: list[tuple[object, object]], lost: int) -> None:
    times, units = [time for time, _ in events], [unit for _, unit in events]
    said = f"times = {json.dumps(times)}\nunits = {json.dumps(units[lost:])}\n"
    simulation(PLAIN.replace(OLD, said))


@given(EVENTS_SAID, st.sampled_from([0, 0, 0, 0, 1]))
@examples(DEFAULT)
@pytest.mark.usefixtures("_no_pictures")
def test_listed_events(events: list[tuple[object, object]], lost: int) -> None:
    listed_events(events, lost)


@pytest.mark.verification
@given(EVENTS_SAID, st.sampled_from([0, 0, 0, 0, 1]))
@examples(MANY)
@pytest.mark.usefixtures("_no_pictures")
def test_many_listed_events(events: list[tuple[object, object]], lost: int) -> None:
    listed_events(events, lost)


def _made(kind: int, values: list[float], shape: tuple[int, ...]) -> object:
    """An array of these values, one after the other, in one of several forms."""
    array = np.resize(np.array(values), shape)
    forms: list[Callable[[np.ndarray], object]] = [
        lambda a: a,
        lambda a: a.astype(">f4"),
        lambda a: a.tolist(),
        lambda a: a.astype(object),
        lambda a: np.asfortranarray(a)[::-1],
        lambda a: np.ma.masked_invalid(a),
        lambda a: np.broadcast_to(a, (2, *a.shape)),
        lambda a: a.astype(np.longdouble),
        lambda a: a > 0,
        lambda a: iter(a.ravel()),
        lambda a: dict(enumerate(a.ravel())),
        lambda a: memoryview(np.ascontiguousarray(a)),
        lambda a: a + 1j,
        lambda a: a.tobytes(),
        lambda a: a.astype(str),
    ]
    with np.errstate(all="ignore"):
        return forms[kind](array)


NUMBERS = st.lists(
    st.sampled_from([0.0, 0.0, 1.0, 1.0, 2.0, -1.0, 1e6, 1e30, 1e308, -1e308, 5e-324, -0.0])
    | st.sampled_from([np.nan, np.inf, -np.inf])
    | st.floats(-10, 10),
    min_size=1,
    max_size=6,
)
SHAPES = st.sampled_from(
    [(5, 2), (5, 2), (1, 5, 2), (1, 5, 2), (2,), (2,), (0, 2), (5, 3), (), (1,)]
)
VALUES = st.one_of(ARRAYS, st.builds(_made, st.integers(0, 14), NUMBERS, SHAPES))
COUNTS = st.none() | ODD | st.integers(-2, 8) | st.sampled_from([10**12, 2**63, 2**64, 1.5])
RECORDS = (
    st.sampled_from([(), "unit.v", ["unit.v"], ["unit.u"], {"unit.v": [0]}, {"unit.v": [7]}, 5])
    | st.sampled_from([{"unit.v": []}, {"unit.v": [0.5]}, {"unit.v": None}, [["unit.v"]], [None]])
    | ODD
)
UNITS_ASKED = st.sampled_from([{"unit": [0]}, {"unit": [9]}, {"u": [0]}, {"unit": [0.5]}, 3]) | ODD


@dataclass(frozen=True)
class Spikes:
    """What is handed to functions that take spikes."""

    inputs: object
    targets: object
    steps: Any
    every: Any
    threads: Any
    record: Any
    units: Any


SPIKES = st.builds(Spikes, VALUES, VALUES, COUNTS, COUNTS, COUNTS, RECORDS, UNITS_ASKED)


def network() -> nr.Network:
    net = nr.Network(seed=1)
    x, unit = net.inputs(2), net.neurons(2, "lif", name="unit")
    net.connect(x, unit, weights=0.5)
    net.connect(unit, net.neurons(1, "leaky_readout"), weights=1.0)
    return net


def works(place: Path) -> list[Callable[[Spikes], object]]:
    """What takes spikes; one learner for all, since nothing that it is given may hurt it."""
    net, a = network(), nr.Learner(network(), update="sequence")
    silent = np.zeros((1, 3, 2))

    def alive(spikes: Spikes) -> object:
        values = [*a.parameters.values(), a.run(np.ones((1, 3, 2)), np.ones((1, 3, 1))).predictions]
        assert all(np.isfinite(value).all() for value in values)
        return values

    def record(spikes: Spikes) -> object:
        file = place / "a.h5"
        file.unlink(missing_ok=True)
        return Simulation(net).record(file, spikes.inputs, record=spikes.record)

    return [
        lambda s: nr.simulate(net, s.inputs),
        lambda s: nr.simulate(net, s.inputs, steps=s.steps, record=s.record, every=s.every),
        lambda s: Simulation(net, s.threads).run(s.inputs),
        record,
        lambda s: a.run(s.inputs, s.targets),
        lambda s: a.run(silent, s.targets, record=s.record),
        lambda s: a.run(s.inputs, np.zeros((1, 5, 1)), spikes=True),
        lambda s: a.step(s.inputs, s.targets),
        lambda s: a.influence(s.inputs, s.targets, units=s.units),
        alive,
    ]


@pytest.fixture(scope="module")
def try_all(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Spikes], None]:
    place = tmp_path_factory.mktemp("spikes")
    every = works(place)
    # Compiling is no hang.
    for work in every:
        good = np.ones((5, 2)) if every.index(work) < 4 else np.ones((1, 5, 2))
        with suppress(NeuroRtrlError):
            work(Spikes(good, None, None, 1, 1, (), {"unit": [0]}))

    def try_spikes(spikes: Spikes) -> None:
        for work in every:
            try:
                with bounded(place):
                    work(spikes)
            except NeuroRtrlError as error:
                assert len(str(error)) < 3000

    return try_spikes


# Spikes of 1e30 are valid, and are warned of.
LARGE = pytest.mark.filterwarnings("ignore::neuro_rtrl.engine.guard.ExplodingWarning")


@LARGE
@given(SPIKES)
@examples(DEFAULT)
def test_spikes_to_functions(try_all: Callable[[Spikes], None], spikes: Spikes) -> None:
    try_all(spikes)


@LARGE
@pytest.mark.verification
@pytest.mark.parametrize("part", range(5))
@given(SPIKES)
@examples(MANY // 5)
def test_many_spikes_to_functions(
    part: int, try_all: Callable[[Spikes], None], spikes: Spikes
) -> None:
    try_all(spikes)
