"""BrainTrace's rules with an update of the weights after every step, in one loop under XLA.

`--variant D_RTRL-adam` or `D_RTRL-sgd`; `--sparse` as in braintrace_rules.py, whose network it is.
What it writes in place of a gradient is by how much a run has changed the weights.
"""

from __future__ import annotations

from typing import Any

import brainstate
import braintrace
import common
import jax
import jax.numpy as jnp
import numpy as np
from braintrace_rules import Network, compiled

# As small as in online.py: weights and activity stay what they are.
RATE, BETA1, BETA2, EPSILON = 1e-5, 0.9, 0.999, 1e-8


class Descent:
    """Adam or plain descent; the gradient of synapses that are not there is left out."""

    def __init__(self, weights: dict[str, Any], present: dict[str, Any], adam: bool) -> None:
        self.weights, self.present, self.adam = weights, present, adam
        self.start = {k: w.value for k, w in weights.items()}
        zeros = {k: jnp.zeros_like(w.value) for k, w in weights.items()}
        self.m = {k: brainstate.State(z) for k, z in zeros.items()}
        self.v = {k: brainstate.State(z) for k, z in zeros.items()}
        self.t = brainstate.State(jnp.asarray(0.0))

    def restart(self) -> None:
        """Weights of the beginning, no memory."""
        self.t.value = jnp.asarray(0.0)
        for k, w in self.weights.items():
            w.value = self.start[k]
            self.m[k].value = self.v[k].value = jnp.zeros_like(self.start[k])

    def __call__(self, gradient: dict[str, Any]) -> None:
        self.t.value = t = self.t.value + 1.0
        for k, w in self.weights.items():
            g = gradient[k] if self.present[k] is None else gradient[k] * self.present[k]
            if not self.adam:
                w.value = w.value - RATE * g
                continue
            m = self.m[k].value = BETA1 * self.m[k].value + (1 - BETA1) * g
            v = self.v[k].value = BETA2 * self.v[k].value + (1 - BETA2) * g * g
            scale = jnp.sqrt(v / (1 - BETA2**t)) + EPSILON
            w.value = w.value - RATE * (m / (1 - BETA1**t)) / scale


def main() -> None:
    given = common.arguments()
    data = common.load(given.problem)
    rule, _, optimizer = (given.variant or "D_RTRL-adam").rpartition("-")
    shifted = np.concatenate([np.zeros_like(data["x"][:1]), data["x"][:-1]])
    x, target = jnp.asarray(shifted), jnp.asarray(data["target"])
    model = Network(data, given.sparse, plain=False)
    learner = compiled(model, rule, x[0])
    weights = {"in": model.w_in, "rec": model.w_rec, "out": model.w_out}
    there = {k: data[f"w_{k}"] != 0 for k in weights}
    whole = {k: there[k].all() or k in model.rows for k in weights}
    present = {k: None if whole[k] else jnp.asarray(there[k], jnp.float32) for k in weights}
    descent = Descent(weights, present, optimizer == "adam")

    def step(a: jax.Array, b: jax.Array) -> jax.Array:
        descent(brainstate.transform.grad(lambda: ((learner(a) - b) ** 2).mean(), weights)())
        return model.y.value

    @brainstate.transform.jit
    def run(x: jax.Array, target: jax.Array) -> Any:
        model.rest()
        learner.reset_state()
        descent.restart()
        brainstate.transform.for_loop(step, x, target)
        return {k: w.value for k, w in weights.items()}

    def job() -> dict[str, Any]:
        found = jax.block_until_ready(run(x, target))
        result = {f"g_{k}": np.asarray(v) - np.asarray(descent.start[k]) for k, v in found.items()}
        for k in model.rows:
            dense = np.zeros_like(data[f"w_{k}"])
            dense[np.nonzero(data[f"w_{k}"])] = result[f"g_{k}"]
            result[f"g_{k}"] = dense
        return result

    form = "compressed sparse rows" if given.sparse else "dense"
    common.report(job, given, braintrace.__version__, form)


if __name__ == "__main__":
    main()
