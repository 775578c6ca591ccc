"""What Python calls outside the loops: fresh states, fresh rows, Jacobians at a given state."""

from __future__ import annotations

import numpy as np

from neuro_rtrl.kernels import forward, influence
from neuro_rtrl.kernels.begin import draw_noise
from neuro_rtrl.kernels.jit import kernel
from neuro_rtrl.kernels.layout import Mask, Rows, Run, Units
from neuro_rtrl.kernels.queue import clear_queue
from neuro_rtrl.kernels.refs import ref


@kernel
def start_run(units: Units, run: Run) -> None:
    """Initial states, no event under way."""
    forward.restart(ref(units), ref(run))
    clear_queue(ref(run))


@kernel
def start_rows(units: Units, mask: Mask, rows: Rows) -> None:
    """No influence yet."""
    influence.restart_rows(ref(units), ref(mask), ref(rows))


@kernel
def local_jacobians(units: Units, values: np.ndarray, run: Run) -> None:
    """D, F, U of the populations marked eager."""
    forward.jacobians(ref(units), values, ref(run))


@kernel
def noise_path(units: Units, run: Run, path: np.ndarray) -> None:
    """The random channels of path.shape[0] steps from here on: path (steps, inputs)."""
    for t in range(path.shape[0]):
        draw_noise(ref(units), ref(run))
        for i in range(path.shape[1]):
            path[t, i] = run.a[i]
