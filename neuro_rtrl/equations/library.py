"""Where the shipped texts lie: neurons, synapses, experiments, simulations: folders of `models/`.

A file is its registration: its name without `.toml` is the name it goes by.
"""

from __future__ import annotations

from pathlib import Path

from neuro_rtrl.errors import DescriptionError

_PACKAGE = Path(__file__).resolve().parent.parent


def models_folder() -> Path:
    """The folder `models` that belongs to this package.

    An installation has it inside the package; a checkout has it beside the package.

    Raises:
        DescriptionError: there is none, so the installation is incomplete.

    >>> sorted(folder.name for folder in models_folder().iterdir() if folder.is_dir())
    ['experiments', 'neurons', 'simulations', 'synapses']
    """
    places = [_PACKAGE / "models", _PACKAGE.parent / "models"]
    for folder in places:
        if (folder / "neurons").is_dir():
            return folder
    raise DescriptionError(
        "the folder of shipped models is missing",
        given=str(_PACKAGE),
        expected=f"one of {', '.join(str(place) for place in places)}",
        remedy="Install the package again.",
    )


def model_files() -> dict[str, Path]:
    """Name -> file of every shipped neuron model, sorted by name.

    >>> model_files()["lif"].name
    'lif.toml'
    """
    return _texts("neurons")


def synapse_files() -> dict[str, Path]:
    """Name -> file of every shipped synapse model, sorted by name.

    >>> synapse_files()["stdp"].name
    'stdp.toml'
    """
    return _texts("synapses")


def experiment_files() -> dict[str, Path]:
    """Name -> file of every shipped experiment, sorted by name.

    >>> experiment_files()["spiral"].name
    'spiral.toml'
    """
    return _texts("experiments")


def simulation_files() -> dict[str, Path]:
    """Name -> file of every shipped simulation, sorted by name.

    >>> simulation_files()["cuba"].name
    'cuba.toml'
    """
    return _texts("simulations")


def _texts(kind: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted((models_folder() / kind).glob("*.toml"))}
