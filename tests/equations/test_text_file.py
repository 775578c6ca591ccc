"""Texts that may be anything: pipes, devices, gigabytes, brackets without end."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import pytest

from neuro_rtrl.checks import gradcheck_named
from neuro_rtrl.equations.model_text import load_model
from neuro_rtrl.equations.text_file import LONGEST_KEY, parse_toml, read_whole, why_unreadable
from neuro_rtrl.errors import NeuroRtrlError
from neuro_rtrl.experiment_text import load_experiment
from neuro_rtrl.simulation_text import load_simulation
from neuro_rtrl.validation_synapses import is_synapse

DEEP = {
    "brackets": "a = " + "[" * 20_000,
    "closed brackets": "a = " + "[" * 900 + "]" * 900,
    "braces": "a = " + "{b=" * 2000 + "1" + "}" * 2000,
    "a key": "a." * 20_000 + "b = 1",
    "a key with blanks": "a . " * 5000 + "b = 1",
    "a heading": "[" + "a." * 5000 + "b]\nx = 1",
    "digits": "a = 1" + "0" * 5000,
}


def test_what_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("a.b = 'é'", encoding="utf-8")
    assert why_unreadable(file) == ""
    assert parse_toml(file.read_text(encoding="utf-8")) == {"a": {"b": "é"}}
    key = ".".join("a" * LONGEST_KEY)
    assert parse_toml(f"{key} = [0.5, 1.5, 'x. y. z.']")
    assert len(parse_toml("w = [" + "0.25," * 10_000 + "]")["w"]) == 10_000


@pytest.mark.parametrize("name", DEEP)
def test_deep_texts_are_no_toml(name: str, tmp_path: Path) -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match=r"nested too deeply|Not a value"):
        parse_toml(DEEP[name])
    file = tmp_path / "deep.toml"
    file.write_text(DEEP[name])
    for load in (load_model, load_experiment, load_simulation):
        with pytest.raises(NeuroRtrlError, match=r"^deep\.toml: .*TOML.*; given: .*; expected: "):
            load(str(file))


@pytest.mark.parametrize("where", ["--set", "replace"])
def test_deep_overrides(where: str, tmp_path: Path) -> None:
    key = "populations.hidden.parameters" + ".a" * 5000
    if where == "--set":
        with pytest.raises(NeuroRtrlError, match=r"--set: the path is too long; given: 5003 parts"):
            load_experiment("spiral", [f"{key}=1"])
        with pytest.raises(NeuroRtrlError, match=r"--set a\.b: the value is not TOML"):
            load_experiment("spiral", ["a.b=" + "[" * 20_000])
        return
    file = tmp_path / "own.toml"
    file.write_text(f'extends = "cuba"\nsummary = "x"\n[replace]\n"{key}" = 1\n')
    with pytest.raises(NeuroRtrlError, match=r"own\.toml: .*nested too deeply|path is too long"):
        load_simulation(file)


unix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices have no names there")


@unix
@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "folder", "nothing"])
def test_what_is_no_file(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "loop":
        file.symlink_to(file)
    elif kind == "folder":
        file.mkdir()
    assert why_unreadable(file)
    for load in (load_model, load_experiment, load_simulation, gradcheck_named):
        with pytest.raises(NeuroRtrlError, match=r"odd\.toml.*cannot be read; given: "):
            load(str(file))


@unix
def test_what_is_no_text_is_no_synapse(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_bytes(b"\xff\xfe on_pre")
    assert is_synapse(file)
    file.write_bytes(b"\xff\xfe")
    assert not is_synapse(file)
    file.unlink()
    file.symlink_to("/dev/zero")
    assert not is_synapse(file)
    assert not is_synapse("a\0b.toml")


def test_a_path_that_is_none() -> None:
    for load in (load_model, load_experiment, load_simulation, gradcheck_named):
        with pytest.raises(NeuroRtrlError, match=r"cannot be read; given: "):
            load("a\0b.toml")


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    file = tmp_path / "large.toml"
    with file.open("wb") as opened:
        opened.truncate(2**40)  # no byte of it is stored
    for load in (load_model, load_experiment, load_simulation):
        with pytest.raises(NeuroRtrlError, match=r"large\.toml.*read.*bytes, more than 1"):
            load(str(file))


def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes("\ufeffé".encode())
    assert read_whole(file, encoding="utf-8-sig") == "é"
    for wrong, most, reason in (
        (file, 4, "5 bytes, more than 4"),
        (tmp_path, 99, "Is a directory"),
        (tmp_path / "nothing", 99, "No such file or directory"),
    ):
        with pytest.raises(OSError, match=f"^{reason}$") as raised:
            read_whole(wrong, most)
        assert raised.value.strerror == reason
