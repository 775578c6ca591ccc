"""The recorder: what is in the file, how it streams, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuro_rtrl.engine import growing
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.seal import BLOCK
from neuro_rtrl.errors import RunFileError

ROOT = Path(__file__).parents[2]


def make(path: Path, **changes: Any) -> Recorder:
    usual: dict[str, Any] = {
        "provenance": {"seed": 7, "package_version": "0.0"},
        "populations": {"hidden": 4},
        "states": {"hidden.v": [0, 2]},
        "dt": 1e-3,
        "block": 8,
    }
    return Recorder(path, **(usual | changes))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.h5"


@pytest.fixture
def recorder(path: Path) -> Iterator[Recorder]:
    with make(path) as opened:
        yield opened


def test_root_attributes(path: Path) -> None:
    make(path).close()
    with h5py.File(path) as file:
        facts = dict(file.attrs)
    assert (facts["schema"], facts["schema_version"]) == ("neuro_rtrl", 1)
    assert (facts["seed"], facts["dt"], facts["complete"]) == (7, 1e-3, 1)


def test_superblock_is_the_default_one(path: Path) -> None:
    make(path).close()
    assert path.read_bytes()[BLOCK : BLOCK + 9] == b"\x89HDF\r\n\x1a\n\0"


def test_streams_arrive_whole_and_in_order(path: Path) -> None:
    """Calls of many sizes against blocks of 8, with flushes in between."""
    rng = np.random.default_rng(1)
    steps = np.sort(rng.integers(0, 50, 203))
    units = rng.integers(0, 4, 203)
    values = rng.normal(size=(61, 2))
    with make(path) as recorder:
        for start, stop in zip([0, 1, 3, 40, 41, 100], [1, 3, 40, 41, 100, 203], strict=True):
            recorder.spikes("hidden", steps[start:stop], units[start:stop])
            if start == 3:
                recorder.flush()
        for row in range(61):
            recorder.state("hidden.v", [row], values[row : row + 1])
            recorder.loss(row, row / 4, row / 2 if row % 2 else None)
    with h5py.File(path) as file:
        assert np.array_equal(file["spikes/hidden/step"], steps)
        assert np.array_equal(file["spikes/hidden/unit"], units)
        assert np.array_equal(file["states/hidden.v/values"], values)
        assert np.array_equal(file["states/hidden.v/step"], np.arange(61))
        assert np.array_equal(file["loss/loss"], np.arange(61) / 4)
        assert np.array_equal(np.isnan(file["loss/score"][:]), np.arange(61) % 2 == 0)
        assert file["spikes/hidden/step"].dtype == file["spikes/hidden/unit"].dtype == np.int64


def test_the_callers_arrays_may_be_used_again(path: Path) -> None:
    steps, values = np.array([3]), np.array([[1.0, 2.0]])
    with make(path) as recorder:
        recorder.state("hidden.v", steps, values)
        steps[:], values[:] = 9, 9
    with h5py.File(path) as file:
        assert file["states/hidden.v/step"][:].tolist() == [3]
        assert file["states/hidden.v/values"][:].tolist() == [[1, 2]]


def test_storage(path: Path) -> None:
    make(path, precision="float32", units={"hidden.v": "mV"}).close()
    with h5py.File(path) as file:
        values, step = file["states/hidden.v/values"], file["states/hidden.v/step"]
        assert values.dtype == np.float32
        assert values.attrs["units"] == "mV"
        assert (values.compression, values.shuffle, values.chunks) == ("gzip", True, (4, 2))
        assert values.maxshape == (None, 2)
        assert values.dims[0][0] == step
        assert values.dims[1][0] == file["states/hidden.v/unit"]
        assert step.attrs["dt"] == 1e-3
        assert file["spikes/hidden/unit"].dims[0][0] == file["spikes/hidden/step"]
        assert file["loss/score"].dims[0][0] == file["loss/iteration"]


def test_weights_ledger_and_texts(path: Path) -> None:
    with make(path) as recorder:
        recorder.weights(
            "start", {"a_b": [0.5, 1.5], "b.bias": np.zeros(3)}, {"a_b": ([0, 1], [1, 0])}
        )
        recorder.weights(
            "end", {"a_b": [0.75, 1.5], "b.bias": np.ones(3)}, {"a_b": ([0, 1], [1, 0])}
        )
        recorder.ledger({"steps": 3, "per_step": [1, 2, 3], "densities": {"rows": 0.5}})
        recorder.ledger({"steps": 4, "per_step": [1, 2, 3, 4]})
        recorder.attach("lif.toml", "v > v_th  # ≥\n")
    with h5py.File(path) as file:
        assert file["weights/end/a_b"][:].tolist() == [0.75, 1.5]
        assert file["weights/start/b.bias"][:].tolist() == [0, 0, 0]
        assert file["weights/indices/a_b/post"][:].tolist() == [1, 0]
        assert file["ledger"].attrs["steps"] == 4
        assert file["ledger/per_step"][:].tolist() == [1, 2, 3, 4]
        assert file["ledger/densities"].attrs["rows"] == 0.5
        assert file["provenance/lif.toml"].asstr()[()] == "v > v_th  # ≥\n"


def test_an_error_leaves_a_readable_file_that_is_not_complete(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), make(path) as recorder:
        recorder.spikes("hidden", [1, 2], [0, 3])
        raise KeyboardInterrupt
    with h5py.File(path) as file:
        assert file.attrs["complete"] == 0
        assert file["spikes/hidden/unit"][:].tolist() == [0, 3]


def length_on_disk(path: Path, name: str) -> int:
    """Rows in a copy of the file as it is now, which is what a killed process would leave."""
    copy = path.with_suffix(".copy")
    shutil.copyfile(path, copy)
    with h5py.File(copy) as file:
        return len(file[name])


def test_only_whole_chunks_are_written_until_a_flush(recorder: Recorder, path: Path) -> None:
    """A chunk that is written twice moves in the file, which a killed process may not survive."""
    recorder.spikes("hidden", range(19), [0] * 19)
    assert length_on_disk(path, "spikes/hidden/step") == 16
    recorder.flush()
    assert length_on_disk(path, "spikes/hidden/step") == 19
    recorder.spikes("hidden", range(19, 28), [0] * 9)
    assert length_on_disk(path, "spikes/hidden/step") == 24


def test_old_data_are_written_even_if_few(path: Path) -> None:
    with make(path, flush_seconds=0.0) as recorder:
        recorder.spikes("hidden", [4], [1])
        assert length_on_disk(path, "spikes/hidden/unit") == 1


def test_memory_does_not_grow_with_the_stream(path: Path) -> None:
    """2 million events are 32 MB; the buffer may hold a block of 4096 of them."""
    with make(path, block=4096) as recorder:
        tracemalloc.start()
        for step in range(2000):
            recorder.spikes("hidden", np.full(1000, step), np.arange(1000) % 4)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1e6


STREAM = """
import itertools, sys
import numpy as np
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.seal import BLOCK
recorder = Recorder(sys.argv[1], provenance={"seed": 1}, populations={"hidden": 50},
                    states={"hidden.v": np.arange(5)}, dt=1e-3, block=2048)
for step in itertools.count():
    recorder.spikes("hidden", np.full(50, step), np.arange(50))
    recorder.state("hidden.v", [step], [step + np.arange(5.0)])
    if step % 1000 == 999:
        print(step, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_killed_process_leaves_a_readable_file(path: Path, lines: int) -> None:
    command = [sys.executable, "-c", STREAM, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for _ in range(lines):
            last = int(process.stdout.readline())
        process.kill()
    assert process.returncode != 0
    with h5py.File(path) as file:
        assert file.attrs["complete"] == 0
        step, unit = file["spikes/hidden/step"][:], file["spikes/hidden/unit"][:]
        count = min(len(step), len(unit))
        # All but the last block, which may still have been in memory.
        assert count > 50 * last - 2048
        assert np.array_equal(step[:count], np.arange(count) // 50)
        assert np.array_equal(unit[:count], np.arange(count) % 50)
        values = file["states/hidden.v/values"][:]
        assert np.array_equal(values, np.arange(len(values))[:, None] + np.arange(5.0))


def test_a_full_disk_is_refused_before_it_is_full(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1000

    message = r"the disk is full.*Free some space"
    with pytest.raises(RunFileError, match=message), make(path) as recorder:
        recorder.spikes("hidden", range(8), [1] * 8)
        monkeypatch.setattr(growing.shutil, "disk_usage", lambda _: Usage)
        recorder.spikes("hidden", range(8, 16), [2] * 8)
    with h5py.File(path) as file:
        assert file.attrs["complete"] == 0
        assert file["spikes/hidden/unit"][:].tolist() == [1] * 8


LIMITED = """
import resource, sys
import numpy as np
from neuro_rtrl.engine.recorder import Recorder
from neuro_rtrl.engine.seal import BLOCK
from neuro_rtrl.errors import RunFileError
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
rng = np.random.default_rng(1)
try:
    with Recorder(sys.argv[1], provenance={"seed": 1}, populations={},
                  states={"hidden.v": np.arange(5)}, dt=1e-3, block=2048) as recorder:
        for step in range(100_000):
            recorder.state("hidden.v", [step], rng.normal(size=(1, 5)))
except RunFileError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX's")
def test_a_failed_write_is_one_error_and_no_crash(path: Path) -> None:
    """Left to itself, HDF5 ends such a process by a segmentation fault."""
    command = [sys.executable, "-c", LIMITED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "cannot be written" in done.stdout
    assert "File too large" in done.stdout
    assert "Free some space" in done.stdout


BAD_STARTS: dict[str, tuple[dict[str, Any], str]] = {
    "no seed": ({"provenance": {}}, "no seed"),
    "reserved": ({"provenance": {"seed": 1, "dt": 2}}, "reserved name"),
    "not plain": ({"provenance": {"seed": 1, "x": [1]}}, "not plain"),
    "dt": ({"dt": 0.0}, "dt"),
    "size": ({"populations": {"hidden": 0}}, "size of a population"),
    "slash": ({"populations": {"a/b": 3}, "states": {}}, "without '/'"),
    "state name": ({"states": {"v": [0]}}, "population.variable"),
    "state unit": ({"states": {"hidden.v": [4]}}, "units from 0 to 3"),
    "no units": ({"states": {"hidden.v": []}}, "at least one unit"),
    "unit twice": ({"states": {"hidden.v": [1, 1]}}, "none twice"),
    "unit of unknown": ({"units": {"hidden.w": "mV"}}, "Did you mean 'hidden.v'"),
    "precision": ({"precision": "float16"}, "one of float32, float64"),
    "compression": ({"compression": "gzp"}, "Did you mean 'gzip'"),
}


@pytest.mark.parametrize("case", BAD_STARTS)
def test_refused_before_a_file_is_made(path: Path, case: str) -> None:
    changes, message = BAD_STARTS[case]
    with pytest.raises(RunFileError, match=message):
        make(path, **changes)
    assert not path.exists()


BAD_CALLS: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "population": ("spikes", ("hiden", [0], [0]), "Did you mean 'hidden'"),
    "lengths": ("spikes", ("hidden", [0, 1], [0]), "different lengths"),
    "dimensions": ("spikes", ("hidden", [[0]], [[0]]), "wrong shape"),
    "not whole": ("spikes", ("hidden", [0.5], [0]), "not whole numbers"),
    "negative": ("spikes", ("hidden", [-1], [0]), "negative"),
    "unit": ("spikes", ("hidden", [0], [4]), "units from 0 to 3"),
    "back in a call": ("spikes", ("hidden", [5, 6, 2], [0, 0, 0]), "2 after 6"),
    "state": ("state", ("hidden.w", [0], [[0.0, 0.0]]), "Did you mean 'hidden.v'"),
    "transposed": ("state", ("hidden.v", [0], [[0.0], [0.0]]), r"expected: shape \(1, 2\)"),
    "text": ("state", ("hidden.v", [0], [["a", "b"]]), "wrong type"),
    "step twice": ("state", ("hidden.v", [1, 1], [[0.0, 0.0]] * 2), "1 after 1"),
    "when": ("weights", ("strat", {}), "Did you mean 'start'"),
    "pairs": ("weights", ("end", {"w": [1.0]}, {"w": ([0, 1], [0, 1])}), "one pair per weight"),
    "no weights": ("weights", ("end", {"w": [1.0]}, {"u": ([0], [0])}), "unknown weights"),
    "weight": ("weights", ("end", {"w": ["a"]}), "wrong type"),
    "count": ("ledger", ({"rows": {"x": "many"}},), "rows: x: not a count"),
    "nul": ("attach", ("text", "a\0b"), "NUL"),
    "name": ("attach", ("a/b", "text"), "without '/'"),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_refused(recorder: Recorder, case: str) -> None:
    method, arguments, message = BAD_CALLS[case]
    with pytest.raises(RunFileError, match=message):
        getattr(recorder, method)(*arguments)


def test_steps_never_go_back_between_calls(recorder: Recorder) -> None:
    recorder.spikes("hidden", [5], [0])
    recorder.spikes("hidden", [5], [1])
    recorder.spikes("hidden", [], [])
    with pytest.raises(RunFileError, match="4 after 5"):
        recorder.spikes("hidden", [4], [0])
    recorder.loss(3, 0.5)
    with pytest.raises(RunFileError, match="3 after 3"):
        recorder.loss(3, 0.5)


def test_kept_once(recorder: Recorder) -> None:
    recorder.attach("experiment", "")
    recorder.weights("start", {})
    with pytest.raises(RunFileError, match="a new name"):
        recorder.attach("experiment", "")
    with pytest.raises(RunFileError, match="kept twice"):
        recorder.weights("start", {})


def test_a_run_is_never_overwritten(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(RunFileError, match=r"exists.*Delete it"):
        make(path)
    assert path.read_text() == "precious"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="No such file"):
        make(tmp_path / "nowhere" / "run.h5")


def test_closed(path: Path) -> None:
    recorder = make(path)
    recorder.close()
    recorder.close()
    for call in (recorder.flush, lambda: recorder.loss(0, 1.0), lambda: recorder.ledger({})):
        with pytest.raises(RunFileError, match="closed"):
            call()


def test_what_a_failed_call_gave_is_not_in_the_file(path: Path) -> None:
    with make(path) as recorder:
        with pytest.raises(RunFileError):
            recorder.spikes("hidden", [0, 1], [0, 9])
        recorder.spikes("hidden", [0], [2])
    with h5py.File(path) as file:
        assert file["spikes/hidden/unit"][:].tolist() == [2]


def test_importing_the_package_does_not_import_h5py() -> None:
    code = "import json, sys, neuro_rtrl; print(json.dumps('h5py' in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(done.stdout) is False
