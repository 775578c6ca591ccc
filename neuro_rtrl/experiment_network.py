"""An experiment's text as a `Network`: described, and nothing computed yet."""

from __future__ import annotations

from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.experiment_sections import PopulationText, ProjectionText
from neuro_rtrl.network.describe import Network


def describe(
    file: str,
    dt: str,
    seed: int,
    populations: tuple[PopulationText, ...],
    projections: tuple[ProjectionText, ...],
) -> Network:
    """The network that the sections of a text describe.

    Args:
        file: the file's name, for errors.
        dt: duration of a step, as text.
        seed: of every random draw of the network.
        populations, projections: the sections as read.

    Raises:
        NeuroRtrlError: a value does not fit where it stands; the error names file and section.

    >>> net = describe("a.toml", "1 ms", 0, (PopulationText("x", 2, None, {}),), ())
    >>> list(net.populations)
    ['x']
    """
    network = Network(dt=dt, seed=seed)
    for population in populations:
        try:
            _add(network, population)
        except NeuroRtrlError as error:
            raise error.at(f"{file}: populations.{population.name}") from error
    for projection in projections:
        try:
            network.connect(projection.source, projection.target, **projection.options)
        except NeuroRtrlError as error:
            raise error.at(projection.place) from error
    return network


def _add(network: Network, population: PopulationText) -> None:
    if population.model is None:
        network.inputs(population.n, population.name)
        return
    options = dict(population.options)
    parameters = options.pop("parameters")
    network.neurons(population.n, population.model, name=population.name, **options, **parameters)
