"""A balanced network in this package.

    python -m benchmarks.peers.simulate_ours KIND N STEPS RUNS [DELAY [THREADS]]

DELAY of all synapses is in steps of 0.1 ms (0 if it is not given), THREADS is 1 if it is not
given. Prints JSON: seconds of each part, and of each run; the first run is the result of a fresh
start. With several threads also what a run takes that goes on, in turn with one thread: a core that
had nothing to do is slow for some 20 ms.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from typing import Any

from benchmarks.peers import balanced

CUBA = """
equations = '''
dv/dt = (ge + gi - (v - E_l))/tau_m : mV (unless refractory)
dge/dt = -ge/tau_e : mV
dgi/dt = -gi/tau_i : mV
'''
method = "exact"
threshold = "v > v_th"
reset = "v = v_reset"
refractory = "t_ref"
[synapses]
excitation = "ge += w*volt"
inhibition = "gi += w*volt"
[parameters]
tau_m = { value = 20, unit = "ms", meaning = "membrane time constant" }
tau_e = { value = 5, unit = "ms", meaning = "decay of excitation" }
tau_i = { value = 10, unit = "ms", meaning = "decay of inhibition" }
E_l = { value = -49, unit = "mV", meaning = "rest" }
v_th = { value = -50, unit = "mV", meaning = "threshold" }
v_reset = { value = -60, unit = "mV", meaning = "reset" }
t_ref = { value = 5, unit = "ms", meaning = "refractory period" }
"""


def main() -> None:
    """Describe, build, run."""
    kind, n, steps, runs = sys.argv[1], *(int(x) for x in sys.argv[2:5])
    late, threads = (int(sys.argv[k]) if len(sys.argv) > k else k - 5 for k in (5, 6))
    delay = f"{0.1 * late} ms"
    if threads > 1 and "sched_setaffinity" in dir(os):
        os.sched_setaffinity(0, range(threads))
    drawn = balanced.draw(kind, n)
    began = time.perf_counter()
    import neuro_rtrl as nr
    from neuro_rtrl.equations.model_text import model_from_text

    model = "lif_conductance" if kind == "COBA" else model_from_text(CUBA, name="cuba")
    imported = time.perf_counter()
    net = nr.Network(dt="0.1 ms")
    units = net.neurons(n, model, name="units", initial=dict(drawn.initial))
    excite, inhibit = balanced.WEIGHTS[kind]
    plastic = {"name": "stdp", "w_max": 2 * excite} if kind == "STDP" else None
    net.connect(
        units, units, pairs=drawn.excitatory, weights=excite, port="excitation", delay=delay,
        plasticity=plastic,
    )  # fmt: skip
    net.connect(
        units, units, pairs=drawn.inhibitory, weights=inhibit, port="inhibition", delay=delay
    )
    described = time.perf_counter()
    seconds, spikes, built = [], 0, 0.0
    for run in range(runs + 1):
        simulation = nr.Simulation(net, threads)
        simulation.run(steps=0)  # compiles
        now = time.perf_counter()
        built = built or now - described
        spikes = simulation.run(steps=steps)["units"].i.size
        seconds.append(time.perf_counter() - now)
        if run == 0:
            result = time.perf_counter() - began
    found = {"import": imported - began, "describe": described - imported, "build": built}
    found |= {"result": result, "spikes": spikes, "drawn": balanced.checksum(drawn)}
    if threads > 1:
        found |= in_turn(nr.Simulation(net, 1), nr.Simulation(net, threads), steps, runs)
    print(json.dumps(found | {"seconds": seconds[1:] or seconds}))


def in_turn(one: Any, many: Any, steps: int, runs: int) -> dict[str, float]:
    """Medians of `runs` runs with one thread and with many, each after a run that went before."""
    seconds: dict[str, list[float]] = {"going_alone": [], "going": []}
    for _ in range(runs):
        for simulation, found in zip((one, many), seconds.values(), strict=True):
            simulation.run(steps=steps)
            now = time.perf_counter()
            simulation.run(steps=steps)
            found.append(time.perf_counter() - now)
    return {name: statistics.median(found) for name, found in seconds.items()}


if __name__ == "__main__":
    main()
