"""BrainTrace's rules, compiled by XLA: `--variant D_RTRL`, `ES_D_RTRL` or `SnAp-N`.

    D_RTRL      diagonal approximation of RTRL
    ES_D_RTRL   the same with a trace of rank one: filtered input times filtered output, whose decay
                is that of the membrane
    SnAp-N      entries that are reached within N - 1 synapses; the pattern is that of the sparse
                form, as a dense product counts as all-to-all

Their learning signal is the derivative of a step's loss by the states at the end of that step, so
the state is the potential u at the threshold test, and a call gets the inputs of the step before:

    u_t = alpha (u + W x + W s)_(t-1) (1 - s_(t-1)),   s_t = H(u_t - 1),   y_t = alpha y + W s_t

The readout is a hidden state, too. `--sparse` uses compressed sparse rows for the recurrent
weights (for those of the inputs, too, it is slower); the dense form multiplies by zeros and
leaves out the gradient of absent synapses (a mask in the product itself, `weight_fn`, makes it far
slower).
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


def straight_through(height: float, width: float) -> Any:
    """The same spike of plain elementwise operations: SnAp takes a rule of one's own for a mixing
    of units, and its pattern for all-to-all."""

    def spike(g: jax.Array) -> jax.Array:
        near = jnp.clip(g, -width, width)
        smooth = height * (near - near * jnp.abs(near) / (2.0 * width))
        return (g > 0).astype(g.dtype) + smooth - jax.lax.stop_gradient(smooth)

    return spike


def compressed(w: np.ndarray) -> Any:
    """Compressed sparse rows of a matrix."""
    pre, post = np.nonzero(w)
    pointer = np.concatenate([[0], np.cumsum(np.bincount(pre, minlength=w.shape[0]))])
    parts = (jnp.asarray(w[pre, post]), jnp.asarray(post), jnp.asarray(pointer))
    return brainevent.CSR(parts, shape=w.shape)


class Network(brainstate.nn.Module):
    """The same network, one step a call."""

    def __init__(self, data: dict[str, np.ndarray], sparse: bool, plain: bool) -> None:
        super().__init__()
        self.n, self.outputs = data["w_rec"].shape[0], data["w_out"].shape[1]
        self.alpha = float(data["alpha"])
        slope = float(data["height"]), float(data["width"])
        self.spike = straight_through(*slope) if plain else make_spike(*slope)
        self.rows = {k: compressed(data[f"w_{k}"]) for k in ("rec",) if sparse}
        for k in ("in", "rec", "out"):
            w = self.rows[k].data if k in self.rows else data[f"w_{k}"]
            setattr(self, f"w_{k}", brainstate.ParamState(jnp.asarray(w)))

    def init_state(self, *args: Any, **options: Any) -> None:
        self.u = brainstate.HiddenState(jnp.zeros(self.n))
        self.y = brainstate.HiddenState(jnp.zeros(self.outputs))

    def rest(self) -> None:
        """States at zero: new state objects would not be those that the learner knows."""
        self.u.value, self.y.value = jnp.zeros(self.n), jnp.zeros(self.outputs)

    def heard(self, k: str, sent: jax.Array) -> jax.Array:
        """What units hear through the weights `in` or `rec`."""
        w = getattr(self, f"w_{k}").value
        if k in self.rows:
            return braintrace.sparse_matmul(sent, w, sparse_mat=self.rows[k])
        return braintrace.matmul(sent, w)

    def update(self, before: jax.Array) -> jax.Array:
        u = self.u.value
        s = self.spike(u - 1.0)
        arrived = u + self.heard("in", before) + self.heard("rec", s)
        self.u.value = self.alpha * arrived * (1.0 - s)
        now = self.spike(self.u.value - 1.0)
        self.y.value = self.alpha * self.y.value + braintrace.matmul(now, self.w_out.value)
        return self.y.value


def compiled(model: Network, variant: str, example: jax.Array) -> Any:
    """The learner of a rule."""
    name, _, number = variant.partition("-")
    options: dict[str, Any] = {"n": int(number)} if number else {}
    if name == "ES_D_RTRL":
        options = {"decay_or_rank": model.alpha}
    return braintrace.compile(model, getattr(braintrace, name), example, **options)


def main() -> None:
    given = common.arguments()
    data = common.load(given.problem)
    shifted = np.concatenate([np.zeros_like(data["x"][:1]), data["x"][:-1]])
    x, target = jnp.asarray(shifted), jnp.asarray(data["target"])
    model = Network(data, given.sparse, given.variant.startswith("SnAp"))
    learner = compiled(model, given.variant or "D_RTRL", x[0])
    weights = {"in": model.w_in, "rec": model.w_rec, "out": model.w_out}

    @brainstate.transform.jit
    def gradient(x: jax.Array, target: jax.Array) -> Any:
        model.rest()
        learner.reset_state()
        return learner.etrace_grad(
            x, target, step_fn=lambda a, b: ((learner(a) - b) ** 2).mean(), weights=weights,
            reduction="sum",
        )  # fmt: skip

    def job() -> dict[str, Any]:
        found = jax.block_until_ready(gradient(x, target))
        result = {f"g_{k}": np.asarray(value) for k, value in found.items()}
        for k in model.rows:
            dense = np.zeros_like(data[f"w_{k}"])
            dense[np.nonzero(data[f"w_{k}"])] = result[f"g_{k}"]
            result[f"g_{k}"] = dense
        return {k: g * (data[k.replace("g_", "w_")] != 0) for k, g in result.items()}

    form = "compressed sparse rows" if given.sparse else "dense"
    common.report(job, given, braintrace.__version__, form)


if __name__ == "__main__":
    main()
