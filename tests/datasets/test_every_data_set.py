"""What every data set must do and say; the data sets are found, not listed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from neuro_rtrl import data, registry
from neuro_rtrl.datasets._store import DataSet, UserFiles
from neuro_rtrl.errors import DataError
from tests.made_data import RAW

CARRIED = data.all_carried()
SUM = re.compile(r"[0-9a-f]{64}")

# Counts of the real data: what a reader that drops or repeats something would change.
COUNTS = {
    "breathing": {"values": (6000,)},
    "digits": {"images": (1797, 8, 8), "labels": (1797,)},
    "fashion_mnist": {"train_images": (60_000, 28, 28), "test_labels": (10_000,)},
    "grasshopper": {"stimulus_200": (200_000,), "spikes_200": (929,), "spikes_800": (868,)},
    "heart": {"short": (2483,), "medium": (15_000,), "long_time": (68_476,)},
    "japanese_vowels": {"train": (270, 26, 12), "test": (370, 29, 12)},
    "mnist": {"images": (10_000, 28, 28), "labels": (10_000,)},
    "wikipedia": {"text": (2_897_456,), "starts": (106,)},
}


def test_data_sets_are_found() -> None:
    found = [registry.find("datasets", name) for name in registry.files("datasets")]
    assert len(CARRIED) >= 8
    assert sum(isinstance(each, UserFiles) for each in found) >= 2
    assert len(found) == len(CARRIED) + sum(isinstance(each, UserFiles) for each in found)


@pytest.mark.parametrize("chosen", CARRIED, ids=lambda d: d.name)
def test_a_data_set_says_where_it_comes_from(chosen: DataSet) -> None:
    assert registry.find("datasets", chosen.name) is chosen
    assert SUM.fullmatch(chosen.carrier.sha256)
    assert all(SUM.fullmatch(member.sha256) for member in chosen.members)
    assert chosen.carrier.size > 10_000
    assert chosen.carrier.version[0].isdigit()
    assert chosen.licence
    assert len(chosen.origin) > 10
    assert set(chosen.instead) <= {other.name for other in CARRIED} - {chosen.name}


@pytest.mark.parametrize("chosen", CARRIED, ids=lambda d: d.name)
def test_made_data_are_read_and_kept(chosen: DataSet, made_data: Path) -> None:
    kept, read = chosen.load(), chosen.read(RAW[chosen.name]())
    assert chosen.file.parent == made_data
    assert set(kept) == set(read)
    for name, array in read.items():
        np.testing.assert_array_equal(kept[name], array)
        assert array.dtype.kind in "fiu"
    assert max(array.size for array in read.values()) >= 100


def kept_for_real(chosen: DataSet) -> DataSet:
    if not chosen.is_kept():
        pytest.skip(f"real data not fetched here: neuro-rtrl data fetch {chosen.name}")
    return chosen


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("chosen", CARRIED, ids=lambda d: d.name)
def test_the_real_data_have_their_counts(chosen: DataSet) -> None:
    arrays = kept_for_real(chosen).load()
    assert {name: arrays[name].shape for name in COUNTS[chosen.name]} == COUNTS[chosen.name]


@pytest.mark.usefixtures("real_data")
def test_the_real_mnist_has_its_classes() -> None:
    labels = kept_for_real(data.carried("mnist")).load()["labels"]
    counts = [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert np.bincount(labels).tolist() == counts


@pytest.mark.parametrize("chosen", CARRIED, ids=lambda d: d.name)
def test_without_the_data_the_command_is_named(
    chosen: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURO_RTRL_DATA", str(tmp_path))
    with pytest.raises(DataError, match=rf"MB\): neuro-rtrl data fetch {chosen.name}$"):
        chosen.load()
