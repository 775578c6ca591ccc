"""Reading simulations, and refusing bad ones: one paragraph with file, key, given and expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuro_rtrl import registry
from neuro_rtrl.cli import main
from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.experiment_text import load_experiment
from neuro_rtrl.simulation_inputs import Events
from neuro_rtrl.simulation_text import load_simulation, make_network

TEXT = """
summary = "two populations"
reference = "none"
[network]
dt = "0.1 ms"
[models.unit]
equations = "dv/dt = -v/tau : volt (unless refractory)"
threshold = "v > 10*mV"
reset = "v = 0*mV"
refractory = "2*ms"
method = "exact"
parameters = { tau = "20 ms" }
synapses = { delta = "v += w" }
initial = { v = "5*mV*rand()" }
[populations.x]
inputs = 3
[populations.a]
n = 4
model = "unit"
[[projections]]
name = "xa"
source = "x"
target = "a"
weights = "2 mV"
[[projections]]
source = "a"
target = "a"
density = 0.5
weights = "normal(-1 mV, 0.1 mV)"
delay = "1.5 ms"
[inputs.x]
rate = "100 Hz"
[simulation]
duration = "20 ms"
[record]
states = ["a.v"]
units = 2
"""

# (what to replace, by what, the key that the error names)
BAD = [
    ("[network]", "[netwrok]", "netwrok"),
    ("[models.unit]", "[models.unti]", "populations.a.model"),
    ("-v/tau", "-v/tua", "models.unit"),
    ('tau = "20 ms"', 'tau = "much"', "models.unit"),
    ('tau = "20 ms"', 'tau = "20 mV"', "models.unit"),
    ('tau = "20 ms"', "tau = [1, 2]", "models.unit.parameters.tau"),
    ('delta = "v += w"', "delta = 3", "models.unit.synapses.delta"),
    ('method = "exact"', 'methd = "exact"', "models.unit.methd"),
    ('method = "exact"', 'method = "exakt"', "models.unit"),
    ("inputs = 3", "inputs = -3", "populations.x.inputs"),
    ('weights = "2 mV"', 'weights = "2 ms"', "projections.0"),
    ('weights = "2 mV"', 'weights = "2*mV*rnd()"', "projections.0"),
    ('weights = "2 mV"', 'weights = "2*ms*rand()"', "projections.0"),
    ('weights = "2 mV"', "weights = [[1, 2], [3, 4]]", "projections.0"),
    ('weights = "2 mV"', "pairs = [[0, 3], [0, 1]]", "projections.0"),
    ('weights = "2 mV"', "pairs = [[-1, 0], [0, 1]]", "projections.0.pairs"),
    ('weights = "2 mV"', "one_to_one = true", "projections.0"),
    ('weights = "2 mV"', "outdegree = 5", "projections.0"),
    ("density = 0.5", 'density = "0.5*dist"', "projections.1.density"),
    ("density = 0.5", 'density = "0.5*i*ms"', "projections.1"),
    ('delay = "1.5 ms"', 'delay = "-1.5 ms"', "projections.1"),
    ('delay = "1.5 ms"', 'delay = "i*ms - 10*ms"', "projections.1"),
    ("[inputs.x]", "[inputs.y]", "inputs.y"),
    ('[inputs.x]\nrate = "100 Hz"\n', "", "inputs.x"),
    ('rate = "100 Hz"', "", "inputs.x.rate"),
    ('rate = "100 Hz"', "rate = 100", "inputs.x.rate"),
    ('rate = "100 Hz"', "rate = [1, 2]", "inputs.x.rate"),
    ('rate = "100 Hz"', 'rate = "100 Hz"\nsources = 0', "inputs.x.sources"),
    ('rate = "100 Hz"', 'times = ["1 ms"]', "inputs.x.units"),
    ('rate = "100 Hz"', 'times = ["1 ms"]\nunits = [3]', "inputs.x.units"),
    ('rate = "100 Hz"', 'times = ["1 mV"]\nunits = [0]', "inputs.x.times"),
    ('rate = "100 Hz"', 'times = ["-1 ms"]\nunits = [0]', "inputs.x.times"),
    ('rate = "100 Hz"', "times = [1.5]\nunits = [0]", "inputs.x.times"),
    ('duration = "20 ms"', "", "simulation.duration"),
    ('duration = "20 ms"', "duration = 20", "simulation.duration"),
    ('duration = "20 ms"', 'duration = "0.01 ms"', "simulation.duration"),
    ('duration = "20 ms"', 'duration = "20 ms"\nsteps = 3', "simulation.steps"),
    ('states = ["a.v"]', 'states = ["a.u"]', "record.states"),
    ('states = ["a.v"]', 'spikes = ["a"]', "record.spikes"),
    ("units = 2", "every = 0", "record.every"),
    ("[simulation]", '[replace]\n"inputs.x.rat" = "1 Hz"\n[simulation]', "inputs.x.rat"),
    ("[simulation]", '[task]\nname = "spiral"\n[simulation]', "task"),
    ('reference = "none"', 'extends = "cubaa"', "extends"),
]
# What only the drawing of the network or of the events can see.
LATE = [
    ('rate = "100 Hz"', 'rate = "100 mV"', "inputs.x"),
    ('rate = "100 Hz"', 'rate = "-1 Hz"', "inputs.x.rate"),
    ('rate = "100 Hz"', 'rate = "20000 Hz"', "inputs.x.rate"),
    ('rate = "100 Hz"', 'times = ["1 ms", "1.02 ms"]\nunits = [0, 0]', "inputs.x.times"),
]


def written(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in TEXT, old
    file = folder / "own.toml"
    file.write_text(TEXT.replace(old, new, 1) if old else TEXT)
    return file


@pytest.mark.parametrize("name", sorted(registry.files("simulations")))
def test_every_shipped_simulation_is_read(name: str) -> None:
    text = load_simulation(name)
    assert len(text.summary) < 120, text.summary
    assert any(year in text.reference for year in ("200", "2019")), text.reference
    assert text.steps > 0
    assert all(p.model is None or p.model.reset or p.model.threshold for p in text.populations)


def test_what_a_text_says(tmp_path: Path) -> None:
    text = load_simulation(written(tmp_path), ["network.seed=7", "record.every=5"])
    assert (text.steps, text.seed, text.every) == (200, 7, 5)
    assert text.states == {"a.v": range(2)}
    net = make_network(text)
    first, second = net.projections.values()
    assert first.weights.tolist() == [2e-3] * 12
    assert second.weights.mean() == pytest.approx(-1e-3, rel=0.3)
    assert set(second.delay.tolist()) == {15}
    assert (net.populations["a"].initial["v"] > 0).all()


def test_weights_with_a_unit_are_the_numbers_in_si(tmp_path: Path) -> None:
    drawn = [
        make_network(load_simulation(written(tmp_path, '"2 mV"', weights))).projections["xa"]
        for weights in ('"2*mV*rand()"', '"0.002*rand()"', '"2 mV"', "2e-3")
    ]
    assert drawn[0].weights.tolist() == pytest.approx(drawn[1].weights.tolist(), rel=1e-15)
    assert drawn[2].weights.tolist() == drawn[3].weights.tolist()


def test_a_text_extends_another_and_replaces_values(tmp_path: Path) -> None:
    written(tmp_path)
    top = tmp_path / "top.toml"
    top.write_text(
        'summary = "more"\nextends = "own"\n[replace]\n"projections.xa.weights" = "3 mV"\n'
        '[simulation]\nduration = "5 ms"\n'
    )
    text = load_simulation(top)
    assert (text.summary, text.steps) == ("more", 50)
    assert set(make_network(text).projections["xa"].weights.tolist()) == {3e-3}


@pytest.mark.parametrize(("old", "new", "key"), [*BAD, *LATE])
def test_a_bad_simulation(
    old: str, new: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, old, new)
    with pytest.raises(NeuroRtrlError) as refusal:
        text = load_simulation(file)
        Events(text.sources, make_network(text).dt, text.seed)
    message = str(refusal.value)
    place = message.split("; given: ")[0]
    assert "own.toml" in place, message
    assert key in place, message
    assert "; expected: " in message, message
    out = tmp_path / "run"
    with pytest.raises(SystemExit) as left:
        main(["simulate", str(file), "--out", str(out)])
    said = capsys.readouterr().err
    assert left.value.code == 2, said
    assert said.strip() == f"Error: {message}"
    assert not out.exists()


def test_the_other_command_is_named() -> None:
    with pytest.raises(NeuroRtrlError, match=r"Use: neuro-rtrl simulate cuba"):
        load_experiment("cuba")
    with pytest.raises(NeuroRtrlError, match=r"Use: neuro-rtrl run spiral"):
        load_simulation("spiral")
    with pytest.raises(NeuroRtrlError, match=r"Did you mean 'cuba'"):
        load_simulation("cubba")


def test_an_experiment_as_a_file_is_named_as_such() -> None:
    with pytest.raises(NeuroRtrlError, match=r"it is an experiment.*Use: neuro-rtrl run"):
        load_simulation(registry.find("experiments", "spiral"))
