"""Spiking networks that learn while they run, by exact sparse real-time recurrent learning.

The public names are imported when they are first used, so that `import neuro_rtrl` is quick and
`neuro-rtrl --help` loads neither Numba nor SymPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuro_rtrl.checks import gradcheck
    from neuro_rtrl.compare_rules import compare
    from neuro_rtrl.contracts import Model, Surrogate
    from neuro_rtrl.contracts_plasticity import Synapse
    from neuro_rtrl.data import fetch
    from neuro_rtrl.engine.recording import Recording
    from neuro_rtrl.engine.run_file import open_run
    from neuro_rtrl.engine.simulation import Simulation, simulate
    from neuro_rtrl.engine.threads import set_threads
    from neuro_rtrl.equations.model_inline import make_model
    from neuro_rtrl.equations.model_text import load_model
    from neuro_rtrl.equations.synapse_inline import make_synapse
    from neuro_rtrl.equations.synapse_text import load_synapse
    from neuro_rtrl.errors import NeuroRtrlError
    from neuro_rtrl.experiment import run_experiment
    from neuro_rtrl.learner import Learner
    from neuro_rtrl.learner_options import FiringRate
    from neuro_rtrl.network.describe import Network
    from neuro_rtrl.optimizers._per_projection import PerProjection
    from neuro_rtrl.optimizers.adam import Adam
    from neuro_rtrl.optimizers.adamw import AdamW
    from neuro_rtrl.optimizers.rmsprop import RmsProp
    from neuro_rtrl.optimizers.sgd import Sgd
    from neuro_rtrl.rewiring.deep_r import DeepR
    from neuro_rtrl.rewiring.magnitude import MagnitudePruning
    from neuro_rtrl.rewiring.rigl import RigL
    from neuro_rtrl.validation import validate

__version__ = "0.1.0"

_HOME = {
    "Adam": "neuro_rtrl.optimizers.adam",
    "AdamW": "neuro_rtrl.optimizers.adamw",
    "DeepR": "neuro_rtrl.rewiring.deep_r",
    "FiringRate": "neuro_rtrl.learner_options",
    "Learner": "neuro_rtrl.learner",
    "MagnitudePruning": "neuro_rtrl.rewiring.magnitude",
    "Model": "neuro_rtrl.contracts",
    "Network": "neuro_rtrl.network.describe",
    "NeuroRtrlError": "neuro_rtrl.errors",
    "PerProjection": "neuro_rtrl.optimizers._per_projection",
    "Recording": "neuro_rtrl.engine.recording",
    "RigL": "neuro_rtrl.rewiring.rigl",
    "RmsProp": "neuro_rtrl.optimizers.rmsprop",
    "Sgd": "neuro_rtrl.optimizers.sgd",
    "Simulation": "neuro_rtrl.engine.simulation",
    "Surrogate": "neuro_rtrl.contracts",
    "Synapse": "neuro_rtrl.contracts_plasticity",
    "compare": "neuro_rtrl.compare_rules",
    "fetch": "neuro_rtrl.data",
    "gradcheck": "neuro_rtrl.checks",
    "load_model": "neuro_rtrl.equations.model_text",
    "load_synapse": "neuro_rtrl.equations.synapse_text",
    "make_model": "neuro_rtrl.equations.model_inline",
    "make_synapse": "neuro_rtrl.equations.synapse_inline",
    "open_run": "neuro_rtrl.engine.run_file",
    "run_experiment": "neuro_rtrl.experiment",
    "set_threads": "neuro_rtrl.engine.threads",
    "simulate": "neuro_rtrl.engine.simulation",
    "validate": "neuro_rtrl.validation",
}

__all__ = [
    "Adam",
    "AdamW",
    "DeepR",
    "FiringRate",
    "Learner",
    "MagnitudePruning",
    "Model",
    "Network",
    "NeuroRtrlError",
    "PerProjection",
    "Recording",
    "RigL",
    "RmsProp",
    "Sgd",
    "Simulation",
    "Surrogate",
    "Synapse",
    "compare",
    "fetch",
    "gradcheck",
    "load_model",
    "load_synapse",
    "make_model",
    "make_synapse",
    "open_run",
    "run_experiment",
    "set_threads",
    "simulate",
    "validate",
]


def __getattr__(name: str) -> Any:
    """The public name, imported from its home on first use (PEP 562)."""
    if name not in _HOME:
        from neuro_rtrl.errors import nearest

        hint = nearest(name, _HOME)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}. {hint}", name=name)
    from neuro_rtrl.kernels.uncollected import uncollected

    with uncollected():
        value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
