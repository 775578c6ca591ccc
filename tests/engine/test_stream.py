"""Arrays from users: shapes, numbers, events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuro_rtrl.engine import stream
from neuro_rtrl.engine.build import Built, build
from neuro_rtrl.errors import DescriptionError
from neuro_rtrl.network.describe import Network


@pytest.fixture
def built() -> Built:
    net = Network(dt="1 ms")
    x, h = net.inputs(2, name="x"), net.neurons(3, "alif", name="h")
    y = net.neurons(2, "leaky_readout", name="y")
    net.connect(x, h)
    net.connect(h, y)
    return build(net)


def test_numbers_become_arrays() -> None:
    assert stream.numbers([[1, 2]], (None, 2), "inputs").dtype == np.float64
    assert stream.numbers([np.nan], (1,), "targets", nan=True).shape == (1,)


@pytest.mark.parametrize(
    ("values", "nan", "text"),
    [
        ("ab", False, r"inputs must be numbers; given: 'ab'; expected: shape \(any, 2\)"),
        ([[1, 2], [3]], False, r"inputs must be numbers"),
        ([1, 2], False, r"inputs have the wrong shape; given: \(2,\); expected: shape \(any, 2\)"),
        ([[1, 2, 3]], False, r"inputs have the wrong shape; given: \(1, 3\)"),
        ([[1, np.nan]], False, r"inputs are not all finite; given: NaN or infinity"),
        ([[1, np.inf]], True, r"inputs are not all finite"),
    ],
)
def test_what_is_refused(values: Any, nan: bool, text: str) -> None:
    with pytest.raises(DescriptionError, match=text):
        stream.numbers(values, (None, 2), "inputs", nan=nan)


def test_events_are_the_entries_that_are_not_zero() -> None:
    inputs = np.array([[[0, 1.0], [0, 0], [2.0, -3.0]], [[0, 0], [0, 0.5], [0, 0]]])
    pointer, index, value = stream.events_of(inputs)
    assert pointer.tolist() == [0, 1, 1, 3, 3, 4, 4]
    assert index.tolist() == [1, 0, 1, 1]
    assert value.tolist() == [1.0, 2.0, -3.0, 0.5]


@pytest.mark.parametrize("shape", [(1, 9, 7), (1, 1, 64), (2, 5, 13), (3, 64, 2), (1, 40, 1)])
def test_events_are_those_that_numpy_finds(shape: tuple[int, int, int]) -> None:
    """Also where 64 places end within a row, rows within 64 places; -0 is none."""
    rng = np.random.default_rng(3)
    inputs = np.where(rng.random(shape) < 0.3, rng.normal(size=shape), -0.0)
    pointer, index, value = stream.events_of(inputs)
    step, expected = np.nonzero(inputs.reshape(-1, shape[2]))
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_array_equal(value, inputs[inputs != 0])
    np.testing.assert_array_equal(np.repeat(np.arange(pointer.size - 1), np.diff(pointer)), step)


@pytest.mark.parametrize("shape", [(1, 3, 0), (2, 0, 0), (1, 0, 4)])
def test_there_may_be_no_inputs_and_no_steps(shape: tuple[int, int, int]) -> None:
    pointer, index, _ = stream.events_of(np.zeros(shape))
    assert pointer.tolist() == [0] * (shape[0] * shape[1] + 1)
    assert index.size == 0


def test_places_of_recorded_states(built: Built) -> None:
    assert list(stream.traced_places(built, ["y.y", "h.v"])) == ["y.y", "h.v"]
    assert stream.traced_places(built, ["h.v"])["h.v"].tolist() == [0, 1, 2]
    assert stream.traced_places(built, ["y.y"])["y.y"].tolist() == [6, 7]
    with pytest.raises(DescriptionError, match=r"unknown state to record.*Did you mean 'h.v'\?"):
        stream.traced_places(built, ["h.u"])
    with pytest.raises(DescriptionError, match=r"unknown state to record; given: 'x.v'"):
        stream.traced_places(built, ["x.v"])


def test_a_stream_without_targets_has_no_error(built: Built) -> None:
    made = stream.make_stream(built, np.zeros((2, 3, 2)), None, offset=7)
    assert np.isnan(made.targets).all() and made.targets.shape == (2, 3, 2)
    assert made.predictions.shape == (2, 3, 2) and made.losses.shape == (2, 3)
    assert made.offset.tolist() == [7] and made.span.tolist() == [2, 3]
    assert made.event_step.size == 0


def test_the_record_of_spikes_is_no_larger_than_needed(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = 5
    small = stream.make_stream(built, np.zeros((2, 3, 2)), None, spikes=True)
    assert small.event_step.size == 2 * 3 * units + units
    monkeypatch.setattr(stream, "RECORD_EVENTS", 8)
    large = stream.make_stream(built, np.zeros((2, 300, 2)), None, spikes=True)
    assert large.event_step.size == large.event_unit.size == 8 + units
