"""A balanced network in NEST: `python nest_simulate.py KIND N STEPS RUNS DELAY THREADS`.

It runs in NEST's own environment. DELAY is in steps of 0.1 ms, at least 1: a spike of this program
is heard at the end of the step that many steps later, which is the delay of the same length here.
CUBA is `iaf_psc_exp` (integrated exactly), COBA `iaf_cond_exp` (Runge-Kutta-Fehlberg with a step
of its own). A current of 1 pA into 20 pF is 1 mV in the equations of `balanced`, and a leak of
10 nS is its unit of conductance. All synapses of a kind share one weight (`static_synapse_hom_w`),
NEST's leanest kind.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import balanced

COMMON = {"V_th": -50.0, "V_reset": -60.0, "t_ref": 5.0}
MODELS: dict[str, tuple[str, dict[str, float]]] = {
    "CUBA": (
        "iaf_psc_exp",
        {"E_L": -49.0, "C_m": 20.0, "tau_m": 20.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0},
    ),
    "COBA": (
        "iaf_cond_exp",
        {
            "E_L": -60.0, "C_m": 200.0, "g_L": 10.0, "E_ex": 0.0, "E_in": -80.0,
            "tau_syn_ex": 5.0, "tau_syn_in": 10.0,
        },
    ),
}  # fmt: skip
# From the weights of `balanced` (volts; multiples of the leak) to pA; nS, where inhibition is
# negative, too.
WEIGHTS = {
    "CUBA": tuple(1e3 * w for w in balanced.WEIGHTS["CUBA"]),
    "COBA": (10.0 * balanced.WEIGHTS["COBA"][0], -10.0 * balanced.WEIGHTS["COBA"][1]),
}
# Seconds of runs after which none is added, so that slow networks are repeated less often.
BUDGET_S = 45.0
STATES = {"v": ("V_m", 1e3), "ge": ("g_ex", 10.0), "gi": ("g_in", 10.0)}


def build(nest: Any, drawn: balanced.Balanced, delay_ms: float, threads: int) -> Any:
    """The network in a fresh kernel; its units."""
    nest.ResetKernel()
    nest.set(resolution=1e3 * balanced.DT, local_num_threads=threads)
    model, parameters = MODELS[drawn.kind]
    units = nest.Create(model, drawn.n, params=COMMON | parameters)
    for state, values in drawn.initial.items():
        name, scale = STATES[state]
        setattr(units, name, scale * values)
    parts = (("excites", drawn.excitatory), ("inhibits", drawn.inhibitory))
    for (name, (pre, post)), weight in zip(parts, WEIGHTS[drawn.kind], strict=True):
        nest.CopyModel("static_synapse_hom_w", name, {"weight": weight, "delay": delay_ms})
        first = units[0].global_id
        nest.Connect(pre + first, post + first, "one_to_one", {"synapse_model": name})
    return units


def main() -> None:
    """Describe, build, run."""
    kind, n, steps, runs, delay, threads = sys.argv[1], *(int(x) for x in sys.argv[2:7])
    if threads > 1 and "sched_setaffinity" in dir(os):
        os.sched_setaffinity(0, range(threads))
    drawn = balanced.draw(kind, n)
    began = time.perf_counter()
    import nest

    nest.set(verbosity=nest.VerbosityLevel.ERROR)
    imported = time.perf_counter()
    seconds, spikes, built, result = [], 0, 0.0, 0.0
    for run in range(runs + 1):
        now = time.perf_counter()
        build(nest, drawn, 1e3 * balanced.DT * delay, threads)
        recorder = nest.Create("spike_recorder")
        nest.Connect(nest.GetNodes({"element_type": "neuron"}), recorder)
        nest.Prepare()
        built = built or time.perf_counter() - now
        now = time.perf_counter()
        nest.Run(1e3 * balanced.DT * steps)
        seconds.append(time.perf_counter() - now)
        nest.Cleanup()
        spikes = int(recorder.n_events)
        if run == 0:
            result = time.perf_counter() - began
        elif sum(seconds) > BUDGET_S:
            break
    found = {"import": imported - began, "build": built, "result": result, "spikes": spikes}
    found["drawn"] = balanced.checksum(drawn)
    print(json.dumps(found | {"version": nest.__version__, "seconds": seconds[1:] or seconds}))


if __name__ == "__main__":
    main()
