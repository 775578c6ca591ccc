"""Back-propagation through time in PyTorch: a Python loop over steps, float32, one thread."""

from __future__ import annotations

from typing import Any

import common
import torch


def make_spike(height: float, width: float) -> Any:
    """Heaviside forward, triangle backward."""

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(g)
            return (g > 0).to(g.dtype)

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            (g,) = ctx.saved_tensors
            return gradient * height * torch.clamp(1.0 - g.abs() / width, min=0.0)

    return Spike.apply


def main() -> None:
    given = common.arguments()
    data = common.load(given.problem)
    torch.set_num_threads(1)
    w_in, w_rec, w_out = (
        torch.from_numpy(data[k]).requires_grad_(True) for k in ("w_in", "w_rec", "w_out")
    )
    x, target = torch.from_numpy(data["x"]), torch.from_numpy(data["target"])
    # A dense product gives a gradient to absent synapses, too.
    there = {k: data[f"w_{k}"] != 0 for k in ("in", "rec", "out")}
    alpha, n = float(data["alpha"]), data["w_rec"].shape[0]
    spike = make_spike(float(data["height"]), float(data["width"]))

    def job() -> dict[str, Any]:
        drive = x @ w_in
        v, y = torch.zeros(n), torch.zeros(target.shape[1])
        loss = torch.zeros(())
        for t in range(x.shape[0]):
            v = alpha * v
            s = spike(v - 1.0)
            v = (v + drive[t] + s @ w_rec) * (1.0 - s)
            y = alpha * y + s @ w_out
            loss = loss + ((y - target[t]) ** 2).mean()
        found = torch.autograd.grad(loss, [w_in, w_rec, w_out])
        return {f"g_{k}": g.numpy() * there[k] for k, g in zip(there, found, strict=True)}

    common.report(job, given, torch.__version__, "dense")


if __name__ == "__main__":
    main()
