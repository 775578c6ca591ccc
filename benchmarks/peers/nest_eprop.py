"""e-prop in NEST, one sequence after another in one kernel (`--variant MODEL`), float64.

    eprop_iaf_bsshslm_2020   states start anew with each sequence, weights change once a sequence
    eprop_iaf                a stream: nothing starts anew, weights change with the spikes

NEST updates before it hears, v_t = alpha v + W x_t + W s_(t-1), so weights are handed over times
alpha and inputs one step later; both reset by subtraction of the threshold. What a hidden
unit hears of the error passes through the readout's own weights. Recurrent spikes need a step to
arrive there as here.

The gradient is (weights before - weights after) / rate: after the first sequence of a kernel of its
own, at whose end all units are made to spike, as synapses learn only when they carry something.
The clock runs over later sequences, where each brings the changes of the one before.
"""

from __future__ import annotations

import time
from typing import Any

import common
import nest
import numpy as np

# So small that no weight changes to speak of, so large that a difference of weights is precise.
RATE = 1e-10
# Delays that the architecture of NEST's e-prop takes for granted.
INPUT_AT, TARGET_AT, TAIL = 1.0, 4.0, 5.0
HUGE = 1e4


def times_of(spikes: np.ndarray, sequences: int) -> np.ndarray:
    """Times of an input's spikes in all sequences."""
    (at,) = np.nonzero(spikes)
    starts = np.arange(sequences)[:, None] * spikes.size + INPUT_AT
    return np.ravel(starts + at)


class Network:
    """The problem in a fresh kernel, for a number of sequences."""

    def __init__(self, data: dict[str, np.ndarray], model: str, sequences: int) -> None:
        self.data, self.old = data, model.endswith("bsshslm_2020")
        self.steps, self.model = len(data["x"]), model
        nest.ResetKernel()
        nest.set(resolution=1.0, total_num_virtual_procs=1)
        nest.set(eprop_update_interval=float(self.steps), eprop_reset_neurons_on_update=self.old)
        nest.set(eprop_learning_window=float(self.steps))
        self._units()
        self._synapses()
        self._signals(sequences)

    def _units(self) -> None:
        data, alpha = self.data, float(self.data["alpha"])
        tau = -1.0 / np.log(alpha)
        plain = {"C_m": 1.0, "E_L": 0.0, "I_e": 0.0, "V_m": 0.0, "tau_m": tau}
        hidden = plain | {
            "V_th": 1.0, "t_ref": 0.0, "c_reg": 0.0,
            "surrogate_gradient_function": "piecewise_linear",
            "surrogate_gradient_height": float(data["height"]),
            "surrogate_gradient_width": float(data["width"]),
        }  # fmt: skip
        if not self.old:
            hidden |= {"kappa": alpha}
        n_in, n = data["w_in"].shape
        self.generators = nest.Create("spike_generator", n_in)
        self.inputs = nest.Create("parrot_neuron", n_in)
        self.hidden = nest.Create(self.model, n, hidden)
        readout = "eprop_readout_bsshslm_2020" if self.old else "eprop_readout"
        self.outputs = nest.Create(readout, data["w_out"].shape[1], plain)
        self.targets = nest.Create("step_rate_generator", data["w_out"].shape[1])

    def _synapses(self) -> None:
        data, alpha = self.data, float(self.data["alpha"])
        suffix = "_bsshslm_2020" if self.old else ""
        plastic = "eprop_synapse" + suffix
        optimizer = {"type": "gradient_descent", "batch_size": 1, "eta": RATE} | {
            "Wmin": -1e6, "Wmax": 1e6, "optimize_each_step": False,
        }  # fmt: skip
        nest.SetDefaults(plastic, {"optimizer": optimizer})
        if self.old:
            nest.SetDefaults(plastic, {"tau_m_readout": -1.0 / np.log(alpha)})
        nest.Connect(self.generators, self.inputs, "one_to_one", {"delay": 1.0})
        for name, sources, targets, scale in (
            ("in", self.inputs, self.hidden, alpha),
            ("rec", self.hidden, self.hidden, alpha),
            ("out", self.hidden, self.outputs, 1.0),
        ):
            self._connect(sources, targets, scale * data[f"w_{name}"], plastic)
        # e-prop of 2020 averages its traces: (1 - kappa) is taken out again here.
        back = data["w_out"].T / (1.0 - alpha if self.old else 1.0)
        self._connect(self.outputs, self.hidden, back, "eprop_learning_signal_connection" + suffix)

    @staticmethod
    def _connect(sources: Any, targets: Any, w: np.ndarray, model: str) -> None:
        pre, post = np.nonzero(w)
        nest.Connect(
            pre + sources[0].global_id, post + targets[0].global_id, "one_to_one",
            {"synapse_model": model, "weight": w[pre, post], "delay": np.full(pre.size, 1.0)},
        )  # fmt: skip

    def _signals(self, sequences: int) -> None:
        x, target, steps = self.data["x"], self.data["target"], self.steps
        later = np.concatenate([np.zeros_like(x[:1]), x[:-1]])
        self.generators.set([{"spike_times": times_of(s, sequences)} for s in later.T])
        at = np.arange(sequences * steps) + TARGET_AT
        self.targets.set(
            [{"amplitude_times": at, "amplitude_values": np.tile(y, sequences)} for y in target.T]
        )
        wire = {"synapse_model": "rate_connection_delayed", "delay": 1.0, "receptor_type": 2}
        nest.Connect(self.targets, self.outputs, "one_to_one", wire)
        if not self.old:
            window = {"amplitude_times": [TARGET_AT], "amplitude_values": [1.0]}
            always = nest.Create("step_rate_generator", params=window)
            nest.Connect(always, self.outputs, "all_to_all", wire | {"receptor_type": 1})

    def weights(self) -> dict[str, np.ndarray]:
        """(sources, targets) of each projection, zero where there is no synapse."""
        found = {}
        for name, sources, targets in (
            ("in", self.inputs, self.hidden),
            ("rec", self.hidden, self.hidden),
            ("out", self.hidden, self.outputs),
        ):
            got = nest.GetConnections(sources, targets).get(["source", "target", "weight"])
            w = np.zeros((len(sources), len(targets)))
            pre = np.asarray(got["source"]) - sources[0].global_id
            w[pre, np.asarray(got["target"]) - targets[0].global_id] = got["weight"]
            found[name] = w
        return found


def gradient(data: dict[str, np.ndarray], model: str) -> tuple[dict[str, np.ndarray], int]:
    """Of one sequence from rest, by the weights of `data`; and the spikes of hidden units."""
    net = Network(data, model, 1)
    end = net.steps + TARGET_AT - INPUT_AT
    last = nest.Create("spike_generator", 1, {"spike_times": [end]})
    nest.Connect(last, net.inputs + net.hidden, "all_to_all", {"weight": HUGE, "delay": 1.0})
    recorder = nest.Create("spike_recorder", params={"stop": end})
    nest.Connect(net.hidden, recorder)
    before = net.weights()
    nest.Simulate(net.steps + TAIL)
    after = net.weights()
    alpha = float(data["alpha"])
    scale = {"in": alpha, "rec": alpha, "out": 1.0}
    found = {f"g_{k}": scale[k] * (before[k] - after[k]) / RATE for k in before}
    return found, int(recorder.n_events)


def main() -> None:
    given = common.arguments()
    nest.set(verbosity=nest.VerbosityLevel.ERROR)
    with np.load(given.problem) as file:
        data = {name: file[name].astype(np.float64) for name in file.files}
    found, spikes = gradient(data, given.variant)
    before = common.memory("VmRSS")
    net = Network(data, given.variant, given.runs + 2)
    nest.Prepare()
    nest.Run(net.steps + TAIL)

    def job() -> None:
        nest.Run(float(net.steps))

    seconds: list[float] = []
    while len(seconds) < given.runs and sum(seconds) < common.BUDGET_S:
        start = time.perf_counter()
        job()
        seconds.append(time.perf_counter() - start)
    common.write(given, found, seconds, nest.__version__, given.variant, before, spikes=spikes)


if __name__ == "__main__":
    main()
