"""BrainTrace's D_RTRL: the diagonal approximation of RTRL, compiled by XLA.

Its learning signal is the derivative of a step's loss by the states at the end of that step, so the
state is the potential u at the threshold test, and a call gets the inputs of the step before:

    u_t = alpha (u + W x + W s)_(t-1) (1 - s_(t-1)),   s_t = H(u_t - 1),   y_t = alpha y + W s_t

The readout is a hidden state, too. `--sparse` uses compressed sparse rows for the recurrent
weights; the dense form multiplies by zeros and leaves out the gradient of absent synapses (a mask
in the product itself, `weight_fn`, makes it far slower).
"""

from __future__ import annotations

from typing import Any

import brainevent
import brainstate
import braintrace
import common
import jax
import jax.numpy as jnp
import numpy as np
from jax_bptt import make_spike


class Network(brainstate.nn.Module):
    """The same network, one step a call."""

    def __init__(self, data: dict[str, np.ndarray], sparse: bool) -> None:
        super().__init__()
        self.n, self.outputs = data["w_rec"].shape[0], data["w_out"].shape[1]
        self.alpha = float(data["alpha"])
        self.spike = make_spike(float(data["height"]), float(data["width"]))
        self.csr, w_rec = None, data["w_rec"]
        if sparse:
            pre, post = np.nonzero(w_rec)
            pointer = np.concatenate([[0], np.cumsum(np.bincount(pre, minlength=self.n))])
            values, index = jnp.asarray(w_rec[pre, post]), jnp.asarray(post)
            shape = (self.n, self.n)
            self.csr = brainevent.CSR((values, index, jnp.asarray(pointer)), shape=shape)
            w_rec = np.asarray(values)
        self.w_in = brainstate.ParamState(jnp.asarray(data["w_in"]))
        self.w_rec = brainstate.ParamState(jnp.asarray(w_rec))
        self.w_out = brainstate.ParamState(jnp.asarray(data["w_out"]))

    def init_state(self, *args: Any, **options: Any) -> None:
        self.u = brainstate.HiddenState(jnp.zeros(self.n))
        self.y = brainstate.HiddenState(jnp.zeros(self.outputs))

    def update(self, before: jax.Array) -> jax.Array:
        u = self.u.value
        s = self.spike(u - 1.0)
        if self.csr is None:
            heard = braintrace.matmul(s, self.w_rec.value)
        else:
            heard = braintrace.sparse_matmul(s, self.w_rec.value, sparse_mat=self.csr)
        arrived = u + braintrace.matmul(before, self.w_in.value) + heard
        self.u.value = self.alpha * arrived * (1.0 - s)
        now = self.spike(self.u.value - 1.0)
        self.y.value = self.alpha * self.y.value + braintrace.matmul(now, self.w_out.value)
        return self.y.value


def main() -> None:
    given = common.arguments()
    data = common.load(given.problem)
    shifted = np.concatenate([np.zeros_like(data["x"][:1]), data["x"][:-1]])
    x, target = jnp.asarray(shifted), jnp.asarray(data["target"])
    model = Network(data, given.sparse)
    learner = braintrace.compile(model, braintrace.D_RTRL, x[0])
    weights = {"in": model.w_in, "rec": model.w_rec, "out": model.w_out}

    @brainstate.transform.jit
    def gradient(x: jax.Array, target: jax.Array) -> Any:
        brainstate.nn.init_all_states(model)
        learner.reset_state()
        return learner.etrace_grad(
            x, target, step_fn=lambda a, b: ((learner(a) - b) ** 2).mean(), weights=weights,
            reduction="sum",
        )  # fmt: skip

    def job() -> dict[str, Any]:
        found = jax.block_until_ready(gradient(x, target))
        result = {f"g_{k}": np.asarray(value) for k, value in found.items()}
        if given.sparse:
            dense = np.zeros_like(data["w_rec"])
            dense[np.nonzero(data["w_rec"])] = result["g_rec"]
            result["g_rec"] = dense
        return {k: g * (data[k.replace("g_", "w_")] != 0) for k, g in result.items()}

    form = "compressed sparse rows" if given.sparse else "dense"
    common.report(job, given, braintrace.__version__, form)


if __name__ == "__main__":
    main()
