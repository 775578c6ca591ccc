"""Learners live the same life by the fast ways and by the plain one, whatever happens to them.

A life is drawn: a network, a rule, times to update, and what is done in which order: runs, single
steps, values that are set, looks at influence, pauses, states that are kept and put back elsewhere.
One learner has windows and diaries of drawn, small sizes, one or two threads, flows that stand
still, and is interrupted; the other goes step by step and is left alone.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import diary, flows, replay
from neuro_rtrl.engine.row_lanes import Lane
from neuro_rtrl.engine.threads import set_threads
from neuro_rtrl.registry import find
from tests.engine.test_replay import all_rows
from tests.engine.test_snapshot import through_json

RULES = ("rtrl", "rtrl", "eprop", "d-rtrl", "snap-1", "rflo")
LEARN = {
    "lif": [[], ["bias"], ["bias", "v_th"], ["tau_m"], ["tau_m", "bias"]],
    "alif": [[], ["bias"], ["beta"], ["tau_a"], ["tau_m", "beta", "v_th"]],
    "lif_current": [[], ["bias"], ["v_reset"], ["tau_s"], ["tau_s", "tau_m"]],
}
TOLERANCE = 1e-9
pytestmark = [
    pytest.mark.filterwarnings("ignore::neuro_rtrl.engine.guard.ExplodingWarning"),
    pytest.mark.usefixtures("alone_again"),
]


@pytest.fixture
def alone_again() -> Any:
    yield
    set_threads(1)


class Life:
    """What is drawn before anything is done; `draw` goes on with what is."""

    def __init__(self, seed: int) -> None:
        rng = self.draw = np.random.default_rng(seed)
        self.seed, self.rule = seed, str(rng.choice(RULES))
        self.model = str(rng.choice(list(LEARN)))
        self.learn = LEARN[self.model][rng.integers(len(LEARN[self.model]))]
        self.out = [[], [], ["bias"], ["tau"], ["tau", "bias"]][rng.integers(5)]
        self.delay = str(rng.choice(["0 ms", "2 ms", "uniform(0 ms, 4 ms)"]))
        self.t_ref = str(rng.choice(["0 ms", "0 ms", "3 ms"]))
        self.several = bool(rng.random() < 0.3)
        self.update: Any = ["sequence", "sequence", 1, 7, 16, 25, 40][rng.integers(7)]
        self.batch = int(rng.integers(1, 3))
        self.threads = int(rng.integers(1, 3))
        self.steps = int(rng.integers(3, 30))
        self.large = int(rng.choice([10, 60, 2048]))
        self.between = int(rng.choice([7, 16, 256]))
        self.largest = 0.0

    def network(self) -> nr.Network:
        net = nr.Network(dt="1 ms", seed=self.seed)
        x = net.inputs(4, name="x")
        how = {"method": "euler"} if any("tau" in name for name in self.learn) else {}
        sizes = (5, 4) if self.several else (8,)
        options = {"learn": self.learn, "t_ref": self.t_ref, **how}
        hidden = [net.neurons(n, self.model, name=f"h{n}", **options) for n in sizes]
        port = next(iter(hidden[0].model.ports))
        for h in hidden:
            net.connect(x, h, weights="normal(0.6, 0.7)", port=port, density=0.8)
            for k in hidden:
                weights = "normal(0, 0.25)"
                net.connect(h, k, weights=weights, delay=self.delay, port=port, density=0.7)
        for i in range(2):
            how = {"method": "exponential_euler"} if "tau" in self.out else {}
            y = net.neurons(1 + i, "leaky_readout", name=f"y{i}", learn=self.out, tau="9 ms", **how)
            net.connect(hidden[-1], y, weights="normal(0, 0.3)", density=0.9)
        return net

    def learner(self, fast: bool) -> nr.Learner:
        rule = find("rules", self.rule)
        with pytest.MonkeyPatch.context() as patch:
            if not fast:
                rule = dataclasses.replace(rule, windows=False)
                if self.rule == "rtrl":
                    patch.setattr(flows, "learns_flow", lambda built, p: False)
            made = nr.Learner(
                self.network(), rule, nr.Sgd(1e-5, clip_norm=1.0), update=self.update,
                batch=self.batch, precision="float64",
            )  # fmt: skip
            for number in range(self.batch):
                made._session.lane(number)
        return made

    def trial(self, steps: int) -> tuple[np.ndarray, np.ndarray]:
        rng, shape = self.draw, (self.batch, steps)
        inputs = (rng.random((*shape, 4)) < 0.35) * rng.uniform(0.5, 1.5, (*shape, 4))
        inputs[:, rng.random(steps) < 0.3] = 0.0
        targets = rng.standard_normal((*shape, 3))
        targets[:, rng.random(steps) < rng.choice([0.0, 0.5])] = np.nan
        return inputs, targets


def live(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some things are done to both; then they are compared."""
    life = Life(seed)
    monkeypatch.setattr(replay, "ROOM", (4096, 1 << 16, 1 << 17, life.steps))
    monkeypatch.setattr(replay, "LARGE", (1 << 12, 1 << 16, 1 << 16, life.large))
    monkeypatch.setattr(replay, "LEAST_STEPS", 5)
    monkeypatch.setattr(replay.Replay, "least_steps", 5)
    monkeypatch.setattr(diary, "STEPS", life.steps)
    monkeypatch.setattr(diary, "LEAST_STEPS", 3)
    monkeypatch.setattr(diary, "LEAST_BETWEEN", life.between)
    fast, plain = life.learner(True), life.learner(False)
    for _ in range(6):
        what = str(life.draw.choice([*DONE, "run"]))
        set_threads(life.threads)
        fast = DONE[what](life, fast, plain)
        for name, array in plain.gradient.items():
            compare(f"{seed}: gradient of {name} after {what}", fast.gradient[name], array)
            if name.startswith(("x_", "h")) and "_y" not in name:
                life.largest = max(life.largest, np.abs(array).max(initial=0.0))
        for name, array in plain.parameters.items():
            compare(f"{seed}: {name} after {what}", fast.parameters[name], array)
    assert life.largest > 1e-3  # of hidden units: they live


def compare(what: str, found: np.ndarray, wanted: np.ndarray) -> None:
    size = max(np.abs(wanted).max(initial=0.0), 1e-3)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * size, err_msg=what)


def run(life: Life, fast: nr.Learner, plain: nr.Learner) -> nr.Learner:
    given, learn = life.trial(int(life.draw.integers(4, 90))), bool(life.draw.random() < 0.8)
    pause = int(life.draw.integers(1, 40))
    between = (lambda done: pause) if life.draw.random() < 0.5 else None
    found = fast.run(*given, learn=learn, spikes=True, between=between)
    wanted = plain.run(*given, learn=learn, spikes=True)
    compare("predictions", found.predictions, wanted.predictions)
    compare("losses", found.losses, wanted.losses)
    for name, spikes in wanted.spikes.items():
        np.testing.assert_array_equal(found.spikes[name], spikes)
    return fast


def steps(life: Life, fast: nr.Learner, plain: nr.Learner) -> nr.Learner:
    """One by one, from wherever it is."""
    inputs, targets = life.trial(int(life.draw.integers(1, 40)))
    for t in range(inputs.shape[1]):
        given = (inputs[0, t], targets[0, t]) if life.batch == 1 else (inputs[:, t], targets[:, t])
        compare("predictions", fast.step(*given), plain.step(*given))
    return fast


def set_some(life: Life, fast: nr.Learner, plain: nr.Learner) -> nr.Learner:
    change = {k: v * life.draw.uniform(0.9, 1.1, v.shape) for k, v in plain.parameters.items()}
    for one in (fast, plain):
        one.set_parameters(change)
    return steps(life, fast, plain)


def look(life: Life, fast: nr.Learner, plain: nr.Learner) -> nr.Learner:
    """At all influence in between, which must change nothing."""
    steps(life, fast, plain)
    rows = [
        np.stack([all_rows(one._session, number) for number in range(life.batch)])
        for one in (fast, plain)
    ]
    # Local rules keep a readout's own parameters only, rows those of others besides.
    if isinstance(fast._session.lane(0), Lane) == isinstance(plain._session.lane(0), Lane):
        compare(f"{life.seed}: influence", rows[0], rows[1])
    return steps(life, fast, plain)


def influence(life: Life, fast: nr.Learner, plain: nr.Learner) -> nr.Learner:
    """Rows of the matrix in a sequence of its own, every few steps."""
    inputs, targets = (array[0] for array in life.trial(60))
    every = int(life.draw.integers(3, 30))
    units = {"h5": [0, 3]} if life.several else {"h8": [1, 6]}
    found, wanted = (
        one.influence(inputs, targets, units=units, every=every, own=life.rule != "rtrl")
        for one in (fast, plain)
    )
    for name, rows in wanted.items():
        compare(f"{life.seed}: influence of {name}", whole(found[name]), whole(rows))
    return fast


def whole(rows: Any) -> np.ndarray:
    """Entries that are not zero, among all others."""
    dense = np.zeros((60, 10, 2, 20, 100))
    dense[rows.step, rows.unit, rows.state, rows.learned, rows.number] = rows.value
    return dense


def kept(life: Life, fast: nr.Learner, plain: nr.Learner) -> nr.Learner:
    """Its state goes on in another learner."""
    steps(life, fast, plain)
    other = life.learner(True)
    other.restore(through_json(fast.state()))
    return steps(life, other, plain)


def killed(life: Life, fast: nr.Learner, plain: nr.Learner) -> nr.Learner:
    """In a pause of a run, which another one takes up."""
    given, most = life.trial(int(life.draw.integers(20, 90))), int(life.draw.integers(1, 60))
    kept_there: list[Any] = []

    def between(done: int) -> int:
        if done < most:
            return 5
        kept_there.append(through_json(fast.state()))
        raise KeyboardInterrupt

    plain.run(*given)
    try:
        fast.run(*given, between=between)
    except KeyboardInterrupt:
        fast = life.learner(True)
        fast.restore(kept_there[0])
        fast.run(*given)
    return fast


DONE = {
    "run": run, "steps": steps, "set": set_some, "look": look, "influence": influence,
    "kept": kept, "killed": killed,
}  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_a_life(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    live(seed, monkeypatch)


@pytest.mark.verification
@pytest.mark.parametrize("seed", range(1000, 1400))
def test_many_lives(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    live(seed, monkeypatch)
