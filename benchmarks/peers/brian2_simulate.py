"""A balanced network in Brian2: `python -m benchmarks.peers.brian2_simulate KIND N STEPS RUNS HOW`.

HOW is `cpp_standalone` or `cython`. Prints JSON as `simulate_ours` does; seconds of a run of C++
are those that Brian2 itself reports.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from typing import Any

from benchmarks.peers import balanced

EQUATIONS = {
    "CUBA": """
dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dgi/dt = -gi/taui : volt
""",
    "COBA": """
dv/dt = (ge*(Ee - v) + gi*(Ei - v) + (El - v))/taum : volt (unless refractory)
dge/dt = -ge/taue : 1
dgi/dt = -gi/taui : 1
""",
}
EQUATIONS["STDP"] = EQUATIONS["CUBA"]
METHODS = {"CUBA": "exact", "COBA": "exponential_euler", "STDP": "exact"}
TRACES = """
w : 1
dApre/dt = -Apre/taupre : 1 (event-driven)
dApost/dt = -Apost/taupre : 1 (event-driven)
"""
ON_PRE = """
ge_post += w*volt
Apre += 0.01
w = clip(w + Apost*wmax, 0, wmax)
"""
ON_POST = """
Apost += -0.0105
w = clip(w + Apre*wmax, 0, wmax)
"""


def network(b: Any, drawn: balanced.Balanced) -> tuple[Any, Any]:
    """The network, and the monitor of its spikes."""
    mV, ms, volt = b.mV, b.ms, b.volt
    names = {"taum": 20 * ms, "taue": 5 * ms, "taui": 10 * ms, "Ee": 0 * mV, "Ei": -80 * mV}
    names |= {"El": (-60 if drawn.kind == "COBA" else -49) * mV, "Vt": -50 * mV, "Vr": -60 * mV}
    units = b.NeuronGroup(
        drawn.n, EQUATIONS[drawn.kind], threshold="v > Vt", reset="v = Vr", refractory=5 * ms,
        method=METHODS[drawn.kind], namespace=names,
    )  # fmt: skip
    for name, values in drawn.initial.items():
        setattr(units, name, values * volt if name == "v" else values)
    made = [units]
    parts = (("ge", drawn.excitatory), ("gi", drawn.inhibitory))
    for (state, (pre, post)), weight in zip(parts, balanced.WEIGHTS[drawn.kind], strict=True):
        if drawn.kind == "STDP" and state == "ge":
            names = {"taupre": 20 * ms, "wmax": 2 * weight}
            synapses = b.Synapses(
                units, units, TRACES, on_pre=ON_PRE, on_post=ON_POST, namespace=names
            )
            synapses.connect(i=pre, j=post)
            synapses.w = weight
            made.append(synapses)
            continue
        jump = weight if drawn.kind == "COBA" else weight * volt
        synapses = b.Synapses(units, units, on_pre=f"{state} += jump", namespace={"jump": jump})
        synapses.connect(i=pre, j=post)
        made.append(synapses)
    spikes = b.SpikeMonitor(units)
    return b.Network(*made, spikes), spikes


def main() -> None:
    """Describe, compile, run."""
    kind, n, steps, runs = sys.argv[1], *(int(x) for x in sys.argv[2:5])
    target = sys.argv[5]
    drawn = balanced.draw(kind, n)
    began = time.perf_counter()
    import brian2 as b

    imported = time.perf_counter()
    folder = tempfile.TemporaryDirectory(prefix="brian2_")
    if target == "cpp_standalone":
        b.set_device("cpp_standalone", directory=folder.name, build_on_run=False)
    else:
        b.prefs.codegen.target = target
        b.prefs.codegen.runtime.cython.cache_dir = folder.name
    b.defaultclock.dt = balanced.DT * b.second
    net, spikes = network(b, drawn)
    described = time.perf_counter()
    seconds = []
    if target == "cpp_standalone":
        net.run(steps * b.defaultclock.dt)
        b.device.build(directory=folder.name, compile=True, run=False, with_output=False)
        built = time.perf_counter() - described
        for run in range(runs + 1):
            b.device.run(with_output=False)
            seconds.append(float(b.device._last_run_time))
            if run == 0:
                result = time.perf_counter() - began
    else:
        net.run(0 * b.second)
        built = time.perf_counter() - described
        net.store()
        for run in range(runs + 1):
            net.restore()
            now = time.perf_counter()
            net.run(steps * b.defaultclock.dt)
            seconds.append(time.perf_counter() - now)
            if run == 0:
                result = time.perf_counter() - began
    found = {"import": imported - began, "describe": described - imported, "build": built}
    found |= {"result": result, "spikes": int(spikes.num_spikes)}
    print(json.dumps(found | {"seconds": seconds[1:] or seconds}))


if __name__ == "__main__":
    main()
