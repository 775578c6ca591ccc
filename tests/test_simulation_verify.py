"""`neuro-rtrl verify` of simulations: the same again, and where a changed file parts from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from neuro_rtrl import simulation_run
from neuro_rtrl.engine.seal import seal
from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.simulation_run import run_simulation
from neuro_rtrl.simulation_verify import TEXT, verify_simulation
from tests.test_cli_runs import exit_code
from tests.test_simulation_text import written


def nobody(done: int, steps: int) -> None:
    """Is not interested."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("simulations")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation_run, "draw_simulation", lambda *arguments: None)
        run_simulation(written(place), out=place / "run", overrides=["network.seed=5"])
    return place / "run"


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def change(folder: Path, work: Callable[[h5py.File], None]) -> None:
    with h5py.File(folder / "run.h5", "r+") as file:
        work(file)
    seal(folder / "run.h5")


def with_text(folder: Path, text: str) -> None:
    def replace(file: h5py.File) -> None:
        del file[f"provenance/{TEXT}"]
        file["provenance"].create_dataset(TEXT, data=text, dtype=h5py.string_dtype())

    change(folder, replace)


def test_a_simulation_is_the_same_again(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "found.json"
    assert exit_code("verify", whole, "--json", file) == 0
    found = json.loads(file.read_text())
    assert found == {"identical": True, "steps": 200, "versions": "the same", "differences": []}
    assert exit_code("verify", whole / "run.h5") == 0
    assert "identical │ yes" in capsys.readouterr().out


@pytest.mark.parametrize("table", ["spikes/a/unit", "states/a.v/values", "ledger/rates/a"])
def test_a_changed_number_is_found(
    table: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(copy, lambda file: file[table].__setitem__(1, 3))
    assert exit_code("verify", copy) == 1
    assert f"{table.replace('rates/a', 'rates.a')}: first in row 1" in capsys.readouterr().out


def test_another_seed_is_found(copy: Path) -> None:
    values = json.loads((copy / "summary.json").read_text())
    assert values["seed"] == 5
    with h5py.File(copy / "run.h5") as file:
        text = json.loads(file[f"provenance/{TEXT}"].asstr()[()])
    text["network"]["seed"] = 6
    with_text(copy, json.dumps(text))
    assert not verify_simulation(copy, nobody)["identical"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "text cannot be read"), ("[" * 20_000, "text cannot be read"),
        ("[]", "text cannot be read"), ('{"a": 1}', "a: unknown section"),
        ("null", "text cannot be read"),
    ],
)  # fmt: skip
def test_a_text_that_is_none(text: str, message: str, copy: Path) -> None:
    with_text(copy, text)
    with pytest.raises(NeuroRtrlError, match=rf"provenance/{TEXT}.*{message}"):
        verify_simulation(copy, nobody)


def test_an_interrupted_simulation_is_not_compared(copy: Path) -> None:
    change(copy, lambda file: file.attrs.__setitem__("complete", 0))
    with pytest.raises(NeuroRtrlError, match=r"interrupted.*complete = 0"):
        verify_simulation(copy, nobody)
