"""Kernels as plain Python: the parts against compiled ones, and a network that learns."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import neuro_rtrl as nr
from neuro_rtrl.kernels import exponential, plain, refs, wide
from neuro_rtrl.kernels.jit import kernel
from neuro_rtrl.kernels.replay import SHARD_BYTES, _weave_plain, weave

ROOT = Path(__file__).parents[2]
RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
from tests.kernels.test_plain import learned
from neuro_rtrl.kernels.queue import new_event
assert type(new_event).__name__ == "function"
print(json.dumps(learned(sys.argv[2])))
"""


def learned(rule: str) -> list[float]:
    """What a few steps of learning leave, and what a simulation does."""
    net = nr.Network(dt="1 ms", seed=2)
    x, h = net.inputs(2, name="x"), net.neurons(4, "alif", name="h", bias=0.3)
    y = net.neurons(1, "leaky_readout", name="y")
    for source, target in ((x, h), (h, h), (h, y)):
        net.connect(source, target, weights="normal(0.5, 0.5)", delay="1 ms")
    rng = np.random.default_rng(0)
    inputs, targets = (rng.random((1, 12, 2)) < 0.5) * 1.0, rng.standard_normal((1, 12, 1))
    update = "sequence" if rule == "bptt" else 4
    learner = nr.Learner(net, rule, nr.Adam(1e-2), update=update, precision="float64")
    loss = learner.run(inputs, targets).loss
    spikes = nr.simulate(learner.network, inputs[0])["h"]
    values = [v for name in sorted(learner.parameters) for v in learner.parameters[name]]
    return [loss, float(spikes.i.size), *map(float, spikes.step), *map(float, values)]


@kernel
def by_kernel(x: np.ndarray, out: np.ndarray, flags: np.ndarray, whole: np.ndarray) -> None:
    for i in range(x.shape[0]):
        out[i] = exponential.fma(x[i, 0], x[i, 1], x[i, 2])
        whole[i] = exponential.bits(x[i, 0])
    for i in range(flags.shape[0] // 64):
        found = wide.flags_of(flags, 64 * i)
        whole[i] = wide.lowest(found) if found else -1


class Units(NamedTuple):
    """A tuple of arrays."""

    h: np.ndarray


def test_parts_do_what_compiled_ones_do(rng: np.random.Generator) -> None:
    x = rng.standard_normal((50, 3)) * 10.0 ** rng.integers(-20, 20, (50, 1))
    x[-2:] = [1e308, 10.0, 0.0], [np.inf, 1.0, 2.0]
    flags = (rng.random(64 * 8) < 0.02).astype(np.uint8)
    out, whole = np.zeros(50), np.zeros(50, np.int64)
    by_kernel(x, out, flags, whole)
    np.testing.assert_array_equal(out, [plain.fma(*row) for row in x])
    assert whole[8:].tolist() == [plain.bits(a) for a in x[8:, 0]]
    assert [plain.from_bits(k) for k in whole[8:]] == x[8:, 0].tolist()
    words = [plain.flags_of(flags, 64 * i) for i in range(8)]
    assert whole[:8].tolist() == [plain.lowest(word) if word else -1 for word in words]


@kernel
def woven(source: np.ndarray, factor: np.ndarray, base: np.ndarray, slots: np.ndarray) -> None:
    weave(source, factor, 1, 4, base, slots, 2)
    weave(source, factor, 0, 2, base, slots, -1)


def test_sums_of_rows(rng: np.random.Generator) -> None:
    source, factor = np.array([0, -2, 1, -3], np.int32), rng.standard_normal(4)
    base, slots = (rng.standard_normal((3, SHARD_BYTES // 8)) for _ in range(2))
    other_base, other_slots = base.copy(), slots.copy()
    woven(source, factor, base, slots)
    _weave_plain(source, factor, 1, 4, other_base, other_slots, 2)
    _weave_plain(source, factor, 0, 2, other_base, other_slots, -1)
    np.testing.assert_allclose(other_base, base, rtol=1e-14)
    np.testing.assert_allclose(other_slots, slots, rtol=1e-14)


def test_generated_functions_are_called_by_number() -> None:
    array, seen = np.zeros(3), []

    def work(n: int, values: object) -> None:
        seen.append(n)
        values[1] = 0.5  # type: ignore[index]

    function = plain.Function("if", work)
    assert function.address > 0
    plain.invoke(function.address, (7, array.ctypes.data))
    assert (seen, array.tolist()) == ([7], [0.0, 0.5, 0.0])
    plain.tell(array, 2, 4)
    assert plain.look(array, 2) == 4
    units = Units(array)
    assert refs._as_it_is(units) is refs._as_it_is(refs.Packed(units)) is units


@pytest.mark.parametrize("rule", ["rtrl", "bptt"])
def test_a_network_learns_the_same(rule: str) -> None:
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(ROOT), rule],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found[1] > 0
    assert math.isfinite(found[0])
    np.testing.assert_allclose(found, learned(rule), rtol=1e-9)
