"""Malformed files: one paragraph that names file, key, given and expected; exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuro_rtrl.cli import main
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.experiment_text import load_experiment

EXPERIMENT = """
summary = "a small experiment"
[network]
dt = "1 ms"
[populations.x]
inputs = 2
[populations.hidden]
n = 4
model = "lif"
parameters = { tau_m = "20 ms" }
surrogate = { shape = "triangle", height = 0.3, width = 0.3 }
[populations.y]
n = 1
model = "leaky_readout"
learn = ["bias"]
[[projections]]
source = "x"
target = "hidden"
density = 0.5
[[projections]]
source = "hidden"
target = "y"
port = "delta"
[task]
name = "spiral"
batch = 4
[learning]
rule = "rtrl"
optimizer = { name = "adam", learning_rate = 1e-3 }
loss = "bce"
update = "sequence"
iterations = 3
[record]
spikes = ["hidden"]
states = ["hidden.v"]
"""

# (what to replace, by what, the key that the error names)
BAD_EXPERIMENTS = [
    ("[network]", "[netwrok]", "netwrok"),
    ("[task]", "[task", "line 24"),
    ('dt = "1 ms"', "dt = 1 ms", "line 4"),
    ('dt = "1 ms"', "dt = 1", "network.dt"),
    ('dt = "1 ms"', 'dt = "-1 ms"', "network.dt"),
    ('dt = "1 ms"', 'dt = "1 mV"', "network.dt"),
    ('dt = "1 ms"', 'dt = "0 ms"', "network.dt"),
    ('dt = "1 ms"', "seed = -1", "network.seed"),
    ("inputs = 2", "inputs = 0", "populations.x.inputs"),
    ("inputs = 2", "inputs = 3", "populations"),
    ("inputs = 2", "inputs = 2\nn = 2", "populations.x.n"),
    ("n = 4", "n = -4", "populations.hidden.n"),
    ("n = 4", "n = 4.5", "populations.hidden.n"),
    ("n = 4", 'n = "four"', "populations.hidden.n"),
    ("n = 4\n", "", "populations.hidden.n"),
    ("n = 1\n", "n = 2\n", "populations"),
    ('model = "lif"', 'model = "liff"', "populations.hidden.model"),
    ('model = "lif"', 'model = "nowhere.toml"', "populations.hidden.model"),
    ('model = "lif"', 'model = ["lif"]', "populations.hidden.model"),
    ('model = "lif"', 'modle = "lif"', "populations.hidden.modle"),
    ("tau_m =", "taum =", "populations.hidden.parameters.taum"),
    ('tau_m = "20 ms"', "tau_m = true", "populations.hidden.parameters.tau_m"),
    ('tau_m = "20 ms"', 'tau_m = "20 mV"', "populations.hidden"),
    ('tau_m = "20 ms"', "tau_m = [1, 2]", "populations.hidden.parameters.tau_m"),
    ('"triangle"', '"triangel"', "populations.hidden"),
    ("width = 0.3", "width = -0.3", "populations.hidden"),
    ('learn = ["bias"]', 'learn = ["bais"]', "populations.y.learn"),
    ('learn = ["bias"]', 'learn = "bias"', "populations.y.learn"),
    ('learn = ["bias"]', 'threshold = "q > 1"', "populations.y"),
    ('source = "x"', 'source = "z"', "projections.0.source"),
    ('target = "hidden"', 'target = "x"', "projections.0.target"),
    ('source = "x"\n', "", "projections.0.source"),
    ("density = 0.5", "density = 1.5", "projections.0.density"),
    ("density = 0.5", 'density = "half"', "projections.0.density"),
    ("density = 0.5", "desnity = 0.5", "projections.0.desnity"),
    ("density = 0.5", "indegree = -1", "projections.0.indegree"),
    ("density = 0.5", "indegree = 3", "projections.0"),
    ("density = 0.5", "pairs = [[0, 1], [0]]", "projections.0.pairs"),
    ("density = 0.5", "pairs = [[0, 1], [0, 9]]", "projections.0"),
    ("density = 0.5", 'weights = "norml(0, 1)"', "projections.0"),
    ("density = 0.5", "weights = { a = 1 }", "projections.0.weights"),
    ("density = 0.5", 'delay = "-1 ms"', "projections.0"),
    ('port = "delta"', 'port = "detla"', "projections.1.port"),
    ("[[projections]]", "[projections]", "line 20"),
    ('name = "spiral"', 'name = "spirals"', "task.name"),
    ('name = "spiral"\n', "", "task.name"),
    ("batch = 4", "batsh = 4", "task.batsh"),
    ("batch = 4", "batch = 0", "task"),
    ("batch = 4", 'batch = "4"', "task.batch"),
    ('rule = "rtrl"', 'rule = "rtlr"', "learning.rule"),
    ('name = "adam"', 'name = "adamm"', "learning.optimizer.name"),
    ("learning_rate = 1e-3", "learning_rate = -1", "learning.optimizer"),
    (", learning_rate = 1e-3", "", "learning.optimizer.learning_rate"),
    ("learning_rate", "learning_rat", "learning.optimizer.learning_rat"),
    ('loss = "bce"', 'loss = "bse"', "learning.loss"),
    ('update = "sequence"', 'update = "sometimes"', "learning.update"),
    ('update = "sequence"', "update = 0", "learning.update"),
    ('update = "sequence"', 'precision = "float16"', "learning.precision"),
    ("iterations = 3", "iterations = 0", "learning.iterations"),
    ("iterations = 3\n", "", "learning.iterations"),
    ('spikes = ["hidden"]', 'spikes = ["hiden"]', "record.spikes"),
    ('states = ["hidden.v"]', 'states = ["hidden.w"]', "record.states"),
    ('states = ["hidden.v"]', "test_every = -5", "record.test_every"),
    ("[record]", "[sweep]\nrate = 3\n[record]", "sweep.rate"),
    ("[record]", "[sweep.a]\n[record]", "sweep.a"),
    ("[record]", '[sweep.a]\nb = { "learning.iterations" = 0 }\n[record]', "learning.iterations"),
    ('summary = "a small experiment"', 'extends = "spiralle"', "extends"),
    ('summary = "a small experiment"', "", "summary"),
]

MODEL = """
summary = "a unit"
equations = '''
dv/dt = (bias - v)/tau_m : 1 (unless refractory)
'''
method = "exact"
threshold = "v > v_th"
reset = "v = 0"
refractory = "t_ref"
[states]
v = { initial = 0, meaning = "potential" }
[synapses]
delta = "v += w"
[parameters]
tau_m = { value = 20, unit = "ms", meaning = "time constant" }
t_ref = { value = 2, unit = "ms", meaning = "refractory period" }
v_th = { value = 1, unit = "1", meaning = "threshold" }
bias = { value = 0, unit = "1", meaning = "drive" }
[surrogate]
shape = "triangle"
height = 0.3
width = 1.0
"""

BAD_MODELS = [
    ("equations = '''", "equatoins = '''", "equatoins"),
    ("dv/dt = (bias - v)/tau_m : 1", "dv/dt = (bias - v)/taum : 1", "equations"),
    ("dv/dt = (bias - v)/tau_m : 1", "dv/dt = (bias - v) : 1", "equations"),
    ("dv/dt = (bias - v)/tau_m : 1", "dv/dt = (bias - v)/tau_m : volt", "equations"),
    ("dv/dt = (bias - v)/tau_m : 1", "dv/dt = (bias - v/tau_m : 1", "equations"),
    ("dv/dt = (bias - v)/tau_m : 1", "dv/dt = __import__('os') : 1", "equations"),
    ("dv/dt = (bias - v)/tau_m : 1", "dv/dt = (bias - v)/tau_m", "equations"),
    ("dv/dt = (bias - v)/tau_m : 1", "v' = (bias - v)/tau_m : 1", "equations"),
    ('method = "exact"', 'method = "exakt"', "method"),
    ('threshold = "v > v_th"', 'threshold = "v"', "threshold"),
    ('threshold = "v > v_th"', 'threshold = "v > tau_m"', "threshold"),
    ('threshold = "v > v_th"', 'threshold = "v > vth"', "threshold"),
    ('threshold = "v > v_th"', "threshold = 1", "threshold"),
    ('reset = "v = 0"', 'reset = "v := 0"', "reset"),
    ('reset = "v = 0"', 'reset = "u = 0"', "reset"),
    ('reset = "v = 0"', 'reset = "v = tau_m"', "reset"),
    ('refractory = "t_ref"', 'refractory = "v_th"', "refractory"),
    ('refractory = "t_ref"', 'refractory = "tref"', "refractory"),
    ("v = { initial = 0,", "u = { initial = 0,", "states"),
    ("v = { initial = 0,", 'v = { initial = "zero",', "states.v"),
    ('delta = "v += w"', 'delta = "v = w"', "synapses.delta"),
    ('delta = "v += w"', 'delta = "u += w"', "synapses.delta"),
    ('delta = "v += w"', 'delta = "v += gain*w"', "synapses.delta"),
    ("value = 20,", "", "parameters.tau_m"),
    ('unit = "ms", meaning = "time', 'unit = "msec2x", meaning = "time', "parameters.tau_m"),
    ('unit = "ms", meaning = "time', 'meaning = "time', "parameters.tau_m"),
    ("value = 20", 'value = "much"', "parameters.tau_m"),
    ("value = 20", "value = nan", "parameters.tau_m"),
    ('shape = "triangle"', 'shape = "triangular"', "surrogate"),
    ("height = 0.3", "height = -0.3", "surrogate"),
    ("width = 1.0", 'width = "wide"', "surrogate"),
    ("[surrogate]", "[surogate]", "surogate"),
    ("[states]", "[states", ""),
]


def changed(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


def assert_names_all(message: str, file: str, key: str) -> None:
    """One paragraph with file, key, given and expected."""
    assert "\n" not in message
    place = message.split("; given: ")[0]
    assert file in place, message
    assert key in place, message
    assert "; given: " in message, message
    assert "; expected: " in message, message


def assert_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as refusal:
        main(arguments)
    said = capsys.readouterr().err
    assert refusal.value.code == 2, said
    assert "Traceback" not in said
    assert said.strip().count("\n") == 0, said
    return said.strip().removeprefix("Error: ")


def test_what_the_bad_files_are_made_from_is_good(tmp_path: Path) -> None:
    file = tmp_path / "good.toml"
    file.write_text(EXPERIMENT)
    assert load_experiment(file).learning.iterations == 3
    file.write_text(MODEL)
    assert load_model(file).kind == "ode"


@pytest.mark.parametrize(("old", "new", "key"), BAD_EXPERIMENTS)
def test_a_bad_experiment(
    old: str, new: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(changed(EXPERIMENT, old, new))
    with pytest.raises(NeuroRtrlError) as refusal:
        load_experiment(file)
    assert_names_all(str(refusal.value), "bad.toml", key)
    out = tmp_path / "run"
    said = assert_refused(["run", str(file), "--out", str(out)], capsys)
    assert said == str(refusal.value)
    assert not out.exists()


@pytest.mark.parametrize(("old", "new", "key"), BAD_MODELS)
def test_a_bad_model(
    old: str, new: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(changed(MODEL, old, new))
    with pytest.raises(NeuroRtrlError) as refusal:
        load_model(file)
    assert_names_all(str(refusal.value), "bad.toml", key)
    assert assert_refused(["gradcheck", str(file)], capsys).startswith("bad.toml")


@pytest.mark.parametrize("contents", [b"\xff\xfe\x00", b"", b"[" * 5000, b"a = 1\na = 2", b"\x00"])
def test_what_is_no_experiment_at_all(contents: bytes, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(contents)
    with pytest.raises(NeuroRtrlError) as refusal:
        load_experiment(file)
    assert_names_all(str(refusal.value), "bad.toml", "")
    with pytest.raises(NeuroRtrlError) as refusal:
        load_model(file)
    assert_names_all(str(refusal.value), "bad.toml", "")


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = assert_refused(["run", str(tmp_path / "none.toml")], capsys)
    assert_names_all(said, "none.toml", "")
    said = assert_refused(["run", str(tmp_path)], capsys)
    assert "; given: " in said


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("iterations", "--set iterations"),
        ("iterations=5", "--set iterations=5"),
        ("learning.=5", "--set learning.=5"),
        ("learning.iterations=[1", "--set learning.iterations"),
        ("learning.iterations=", "--set learning.iterations"),
        ("learning.iterations=few", "learning.iterations"),
        ("learning.itrations=5", "learning.itrations"),
        ("lerning.iterations=5", "lerning"),
        ("learning.rule.name=rtrl", "learning.rule"),
        ("projections.99.density=0.5", "projections.99"),
        ("projections.hidden_v.density=0.5", "projections.hidden_v"),
        ("populations.hiden.n=5", "populations.hiden"),
        ("populations.hidden.n=0", "populations.hidden.n"),
        ("sweep.only.a=b", "sweep.only"),
    ],
)
def test_a_bad_override(setting: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = assert_refused(["run", "spiral", "--set", setting], capsys)
    assert_names_all(said, "", key)


def test_an_unknown_experiment_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    said = assert_refused(["run", "spirall"], capsys)
    assert_names_all(said, "experiment", "")
    assert "Did you mean 'spiral'?" in said
