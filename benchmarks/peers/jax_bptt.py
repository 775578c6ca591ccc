"""Back-propagation through time under XLA: one compiled scan forward and one backward, float32.

The way back stores what reaches each unit (T, n) and multiplies once at the end, S^T G, so that no
(n, n) array is read and written at every step. `--sparse` keeps the recurrent weights in padded
rows and columns (ELLPACK), so that both ways gather and neither scatters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import common
import jax
import jax.numpy as jnp
import numpy as np


def make_spike(height: float, width: float) -> Any:
    """Heaviside forward, triangle backward."""

    @jax.custom_jvp
    def spike(g: jax.Array) -> jax.Array:
        return (g > 0).astype(g.dtype)

    @spike.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (g,), (dg,) = primals, tangents
        return spike(g), height * jnp.maximum(0.0, 1.0 - jnp.abs(g) / width) * dg

    return spike


def padded(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of w as (values, column numbers), padded with zeros to the longest."""
    longest = max(1, int(np.count_nonzero(w, axis=1).max()))
    values, places = (
        np.zeros((w.shape[0], longest), np.float32),
        np.zeros((w.shape[0], longest), int),
    )
    for i, row in enumerate(w):
        (there,) = np.nonzero(row)
        values[i, : there.size], places[i, : there.size] = row[there], there
    return values, places


def sparse_product(w: np.ndarray) -> Callable[[jax.Array], jax.Array]:
    """s -> s @ w by gathering, with a way back that gathers, too."""
    forward, backward = padded(w.T), padded(w)

    @jax.custom_vjp
    def product(s: jax.Array) -> jax.Array:
        return (forward[0] * s[forward[1]]).sum(axis=1)

    product.defvjp(
        lambda s: (product(s), None), lambda _, g: ((backward[0] * g[backward[1]]).sum(axis=1),)
    )
    return product


def main() -> None:
    given = common.arguments()
    data = common.load(given.problem)
    alpha, n, steps = float(data["alpha"]), data["w_rec"].shape[0], data["x"].shape[0]
    spike = make_spike(float(data["height"]), float(data["width"]))
    there = {k: jnp.asarray(data[f"w_{k}"] != 0) for k in ("in", "rec", "out")}
    sparse = sparse_product(data["w_rec"]) if given.sparse else None

    def loss(push: jax.Array, w_out: jax.Array, w: Any, x: jax.Array, target: jax.Array) -> Any:
        def step(state: Any, now: Any) -> Any:
            v, y = state
            drive, pushed, wanted = now
            v = alpha * v
            s = spike(v - 1.0)
            heard = s @ w["rec"] if sparse is None else sparse(s)
            v = (v + drive + heard + pushed) * (1.0 - s)
            y = alpha * y + s @ w_out
            return (v, y), (((y - wanted) ** 2).mean(), s)

        start = (jnp.zeros(n), jnp.zeros(target.shape[1]))
        _, (losses, sent) = jax.lax.scan(step, start, (x @ w["in"], push, target))
        return losses.sum(), sent

    @jax.jit
    def gradient(w: Any, x: jax.Array, target: jax.Array) -> Any:
        ways = jax.grad(loss, argnums=(0, 1), has_aux=True)
        (reached, g_out), sent = ways(jnp.zeros((steps, n)), w["out"], w, x, target)
        g = {"in": x.T @ reached, "rec": sent.T @ reached, "out": g_out}
        return {f"g_{k}": value * there[k] for k, value in g.items()}

    w = {k: jnp.asarray(data[f"w_{k}"]) for k in ("in", "rec", "out")}
    x, target = jnp.asarray(data["x"]), jnp.asarray(data["target"])
    form = "padded rows" if given.sparse else "dense"
    common.report(
        lambda: jax.block_until_ready(gradient(w, x, target)), given, jax.__version__, form
    )


if __name__ == "__main__":
    main()
