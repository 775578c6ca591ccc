"""Whatever stands in a file, it is a valid run or one error of ours: no traceback, hang, or code.

Texts and files are taken as they are shipped and then changed at random. A few hundred changes are
tried by default, ten thousand with `-m verification`.
"""

from __future__ import annotations

import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import neuro_rtrl as nr
from neuro_rtrl.engine import checkpoint, isolation
from neuro_rtrl.engine.isolation import require_survivable
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.run_file import open_run
from neuro_rtrl.engine.seal import BLOCK, seal
from neuro_rtrl.engine.snapshot import take
from neuro_rtrl.equations.library import experiment_files, model_files
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.experiment_text import load_experiment
from tests.forged_files import SECONDS, casualties, damaged

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="alarms and children by fork")

DEFAULT, MANY = 60, 2500
Sources = list[tuple[bytes, Callable[[Path], object]]]

WORDS = r"""
__import__('os').system('touch HACKED')
().__class__.__bases__[0].__subclasses__()
open('HACKED','w') eval('1') exec('1') (lambda:open('HACKED','w'))() v.__class__ {0.__class__}
9**9**9 1e999 nan inf -inf 1/0 0**-1 (((( )))) = [[ ]] [a.b] {a=1} 1e308 99999999999999999999
-1 0 true [] {} '' mV 1*mV v w dt t rand() randn() xi int(v>0) exp(exp(exp(v))) import !@#$%^&*
%s%s%n ../../etc/passwd é 𝛼 \\u0000 3if 1_0 ;
"""
DEEP = ("v" * 300, "(" * 200 + "v" + ")" * 200, "v+" * 500 + "v")
HOSTILE = (*WORDS.split(), *DEEP, chr(0), chr(0xFEFF), 3 * chr(34), 3 * chr(39))


@st.composite
def changed(draw: st.DrawFn, texts: list[str]) -> str:
    """A text with one to three changes: a piece is lost, doubled, moved, or something hostile."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 3))):
        words = [m.span() for m in re.finditer(r"\w+|\S", text)] or [(0, len(text))]
        first, last = draw(st.sampled_from(words))
        other = draw(st.sampled_from(words))
        piece = draw(st.sampled_from(("", text[slice(*other)], *HOSTILE)))
        end = draw(st.sampled_from((first, last, max(last, other[1]))))
        text = text[:first] + piece + text[end:]
    return text


class HangError(Exception):
    """It took too long."""


@contextmanager
def bounded(folder: Path) -> Iterator[None]:
    """Ends what hangs, and looks for what hostile code would have left."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert not Path("HACKED").exists()
    assert not (folder / "HACKED").exists()


def refused_or_fine(work: Callable[[Path], object], content: str | bytes, name: str) -> bool:
    """Does the work on a file of that content; whether it was refused, in words of ours."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, name)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(content, encoding="utf-8", errors="surrogatepass")
        try:
            with bounded(Path(place)):
                work(file)
        except NeuroRtrlError as error:
            assert len(str(error)) < 3000
            assert name.split(".")[0] in str(error) or error.where, error
            return True
    return False


def texts(files: dict[str, Path]) -> list[str]:
    return [file.read_text(encoding="utf-8") for file in files.values()]


MODELS = texts(model_files())
EXPERIMENTS = [text for text in texts(experiment_files()) if 'name = "spiral"' in text]


def examples(count: int) -> settings:
    return settings(max_examples=count, suppress_health_check=list(HealthCheck), deadline=None)


def model_text(text: str) -> None:
    refused_or_fine(load_model, text, "fuzzed.toml")


def experiment_text(text: str) -> None:
    refused_or_fine(load_experiment, text, "fuzzed.toml")


@given(changed(MODELS))
@examples(2 * DEFAULT)
def test_model_texts(text: str) -> None:
    model_text(text)


@given(changed(EXPERIMENTS))
@examples(DEFAULT)
def test_experiment_texts(text: str) -> None:
    experiment_text(text)


@pytest.mark.verification
@given(changed(MODELS))
@examples(MANY)
def test_many_model_texts(text: str) -> None:
    model_text(text)


@pytest.mark.verification
@given(changed(EXPERIMENTS))
@examples(MANY)
def test_many_experiment_texts(text: str) -> None:
    experiment_text(text)


def read_run(file: Path) -> None:
    with open_run(file) as run:
        assert run.rows is not None
        run.summary()
        assert all(part is not None for part in (run.texts, run.indices, run.ledger))
        for when in run.kept_weights:
            run.weights(when)
        for name in run.populations:
            run.spikes(name)
        for name in run.states:
            run.state(name)
        for name in run.influences:
            run.influence(name)


def make_files(folder: Path) -> dict[Path, Callable[[Path], object]]:
    """A run file and a checkpoint, and how each is read."""
    how: dict[str, Any] = {"provenance": {"seed": 1}, "populations": {"a": 3}, "dt": 1e-3}
    how |= {"states": {"a.v": [0, 2]}, "influence": {"a": ["w"]}}
    with Recorder(folder / "run.h5", block=64, **how) as recorder:
        recorder.attach("experiment", "text")
        recorder.weights("start", {"w": np.arange(2e3)}, {"w": (np.arange(2000),) * 2})
        for i in range(100):
            recorder.spikes("a", [i], [i % 3])
            recorder.state("a.v", [i], [[i, i]])
            recorder.append_rows("influence/a", *np.full((6, 2), i))
            recorder.loss(i, 0.5)
        recorder.ledger({"steps": 3, "parts": {"x": 1}})
    kept = take({"text": "{}", "a": np.arange(3e3), "b": [np.ones(3), {"x": 1}]})
    return {folder / "run.h5": read_run, checkpoint.write(folder, 0, kept): checkpoint.read}


def changed_file(content: bytes, number: int) -> bytes:
    """Damaged behind the seal; most of what HDF5 has to understand stands in front."""
    return damaged(content, np.random.default_rng(number), BLOCK, BLOCK + 9000)


def sources_in(folder: Path) -> Sources:
    """What a run file and a checkpoint hold, and how each is read."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        return [(file.read_bytes(), work) for file, work in make_files(Path(place)).items()]


def forged(folder: Path, sources: Sources, number: int) -> Callable[[], object]:
    """Makes damaged file number `number`, with a right seal; reads it when called."""
    content, work = sources[number % 3 == 0]
    file = folder / "forged.h5"
    file.write_bytes(changed_file(content, number))
    seal(file)
    return lambda: work(file)


def in_children(folder: Path, numbers: range) -> int:
    """Reads damaged files with a right seal; how many of them HDF5 itself did not survive.

    Accidents have no right seal, and a process that does not survive is not the user's.
    """
    sources = sources_in(folder)

    def refused(number: int) -> None:
        forged(folder, sources, number)
        with pytest.raises(NeuroRtrlError, match=r"a process that tried did not survive it"):
            require_survivable(folder / "forged.h5")

    return casualties(folder, numbers, lambda n: forged(folder, sources, n)(), refused)


def test_damaged_files_are_never_parsed(tmp_path: Path) -> None:
    for file, work in make_files(tmp_path).items():
        content = file.read_bytes()
        for number in range(DEFAULT):
            file.write_bytes(changed_file(content, number))
            if file.read_bytes() != content:
                with pytest.raises(NeuroRtrlError, match=r"is damaged"):
                    work(file)


def test_forged_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "SECONDS", SECONDS / 4)
    assert in_children(tmp_path, range(2 * DEFAULT)) <= DEFAULT // 10


@pytest.mark.verification
@pytest.mark.parametrize("part", range(10))
def test_many_forged_files(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "SECONDS", SECONDS / 4)
    lost = in_children(tmp_path, range(part * 500, (part + 1) * 500))
    print(f"{part}: 500 files, HDF5 did not survive {lost}")
    assert lost <= 25


ODD = st.sampled_from(
    [np.nan, np.inf, -np.inf, 1e308, -1e308, 0, 1, -1, True, None, "x", b"x", 1j, object(), [], {}]
)
ARRAYS = st.one_of(
    ODD,
    st.lists(st.lists(ODD, max_size=3), max_size=3),
    st.integers(0, 4).flatmap(
        lambda n: st.tuples(*[st.integers(0, 3)] * n).map(lambda shape: np.ones(shape))
    ),
    st.sampled_from(["f2", "i1", "u8", "?", "c16", "U3", "O", "M8[s]"]).map(
        lambda kind: np.zeros((3, 2), kind)
    ),
)


@given(ARRAYS, ARRAYS)
@examples(DEFAULT)
def test_inputs_and_targets(inputs: object, targets: object) -> None:
    net = nr.Network(seed=1)
    x, unit = net.inputs(2), net.neurons(2, "lif")
    net.connect(x, unit, weights=0.5)
    net.connect(unit, net.neurons(1, "leaky_readout"), weights=1.0)
    learner = nr.Learner(net, update="sequence")
    for work in (
        lambda: nr.simulate(net, inputs),
        lambda: learner.run(inputs, targets),
        lambda: learner.run(np.zeros((1, 3, 2)), targets),
    ):
        try:
            work()
        except NeuroRtrlError:
            continue
