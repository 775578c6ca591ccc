"""The number of threads: from a call, from the environment, and refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import neuro_rtrl as nr
from neuro_rtrl.engine import threads


@pytest.fixture(autouse=True)
def nothing_chosen() -> Iterator[None]:
    threads._chosen.clear()
    yield
    nr.set_threads(1)


@pytest.mark.parametrize("count", [0, 257, True, 1.0, "2"])
def test_no_number_of_threads(count: object) -> None:
    with pytest.raises(nr.NeuroRtrlError, match=r"threads: .*out of range.*from 1 to 256"):
        nr.set_threads(count)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["two", "0", "-1", "1000", ""])
def test_no_number_in_the_environment(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURO_RTRL_THREADS", text)
    with pytest.raises(nr.NeuroRtrlError, match=r"NEURO_RTRL_THREADS: .*out of range"):
        threads.threads()


def test_the_environment_is_asked_until_something_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NEURO_RTRL_THREADS", "3")
    assert threads.threads() == 3
    nr.set_threads(2)
    assert threads.threads() == 2
