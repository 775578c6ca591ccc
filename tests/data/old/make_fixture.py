"""Makes `run_schema_1.h5`, the run file of schema 1 that every later version must still open.

Run it once per schema; a fixture that is made anew with each change would prove nothing.
`python tests/data/old/make_fixture.py FILE`
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from neuro_rtrl.engine.recorder import Recorder

PROVENANCE = {
    "seed": 42,
    "package_version": "0.1.0",
    "python": "3.11.7",
    "numpy": "2.3.5",
    "numba": "0.68.0",
    "platform": "Linux x86_64",
    "created": "2026-01-01T00:00:00+00:00",
    "git_commit": "0123456789abcdef0123456789abcdef01234567",
    "git_state": "clean",
}


def make(path: Path) -> None:
    """Writes the fixture to `path`."""
    with Recorder(
        path,
        provenance=PROVENANCE,
        populations={"hidden": 4},
        states={"hidden.v": np.array([1, 3])},
        units={"hidden.v": "mV"},
        dt=1e-3,
        block=4,
    ) as recorder:
        recorder.attach("experiment", 'summary = "a café of spikes"\n')
        recorder.weights(
            "start",
            {"input_hidden": [0.5, -0.5, 0.25], "hidden.bias": [0.0, 0.0, 0.0, 0.125]},
            {"input_hidden": ([0, 0, 1], [0, 3, 2])},
        )
        recorder.spikes("hidden", [0, 0, 2, 5, 5, 9], [1, 3, 1, 0, 2, 3])
        recorder.state("hidden.v", [0, 1, 2], [[-70.0, -60.5], [-65.0, -55.25], [-50.0, -71.0]])
        recorder.loss(0, 0.75)
        recorder.loss(1, 0.5, score=0.875)
        recorder.weights("end", {"input_hidden": [0.625, -0.5, 0.0], "hidden.bias": [0.0] * 4})
        recorder.ledger({"multiply_adds": 12345, "densities": {"rows": 0.25, "mask": 0.5}})


if __name__ == "__main__":
    make(Path(sys.argv[1]))
