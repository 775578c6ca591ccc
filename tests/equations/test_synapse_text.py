"""Synapse models as text: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuro_rtrl.equations.library import synapse_files
from neuro_rtrl.equations.synapse_text import load_synapse, synapse_from_text
from neuro_rtrl.errors import DescriptionError

STDP = Path(synapse_files()["stdp"]).read_text(encoding="utf-8")


def test_every_shipped_text_is_read_and_says_where_it_comes_from() -> None:
    synapses = [load_synapse(name) for name in synapse_files()]
    assert len(synapses) >= 5
    for synapse in synapses:
        assert synapse.reference
        assert synapse.states[0].name == "w"
        assert synapse.target == ""
        assert all(parameter.meaning for parameter in synapse.parameters.values())


def test_statements_follow_each_other() -> None:
    synapse = synapse_from_text(
        'equations = "w : 1\\nx : 1"\non_pre = "x += 1; post += w*x; x -= x"'
    )
    assert [str(s.expression) for s in synapse.on["pre"]] == ["x + 1", "w*x", "0"]


def test_a_target_may_be_named() -> None:
    synapse = synapse_from_text('equations = "w : volt"\non_pre = "ge_post += w"')
    assert synapse.target == "ge"
    assert synapse.sent == synapse.states[0].dimension


def test_the_unit_of_the_weight_is_that_of_the_entry() -> None:
    source = 'equations = "w : weight"\non_pre = "post += w"'
    assert synapse_from_text(source, weight="volt").sent == load_synapse("stdp").sent + (
        synapse_from_text('equations = "w : volt"\non_pre = "post += w"').sent
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("(event-driven)", "", "brought up to date by events only"),
        ("(event-driven)", "(clock-driven)", "brought up to date by events only"),
        ("w : weight", "w : weight (constant)", "an unknown flag"),
        ("w : weight", "v : weight", "there is no weight"),
        ("w : weight", "w : weight\nw : 1", "two lines for one variable"),
        ("w : weight", "w = 1", "a line without a unit"),
        ("w : weight", "w weight : 1", "not a line of a synapse model"),
        ("w : weight", "w : weight\nreward : 1", "this name is taken"),
        ("w : weight", "w : weight\nexp : 1", "this name is taken"),
        ("-Apre/tau_pre", "-Apre", "different units"),
        ("post += w", "post = w", "cannot be sent"),
        ("post += w", "post += w; v_post += w", "cannot be sent"),
        ("Apost += dApost", "post += w", "cannot be sent"),
        ("Apre += dApre", "Apre += tau_pre", "different units"),
        ("Apre += dApre", "Apre = tau_pre", "has the wrong unit"),
        ("Apre += dApre", "Apri += dApre", "Did you mean 'Apre'"),
        ("Apre += dApre", "Apre += reward", "unknown name"),
        ("Apre += dApre", "Apre dApre", "not a statement"),
        ("clip(w + Apost*w_max, 0, w_max)", "clip(w, 0)", "clip has three arguments"),
        ("clip(w + Apost*w_max, 0, w_max)", "clip(w, 0, tau_pre)", "a value and its limits"),
        ("clip(w + Apost*w_max, 0, w_max)", "__import__('os')", "unknown function"),
        ("on_post", "on_spike", "unknown key"),
        ("[states]", "[states]\nw = { initial = 1 }", "unknown state with an initial value"),
        ("[parameters]", "[parameters", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_refused(old: str, new: str, problem: str) -> None:
    assert old in STDP
    with pytest.raises(DescriptionError, match=problem) as caught:
        synapse_from_text(STDP.replace(old, new, 1), where="mine.toml")
    assert str(caught.value).startswith("mine.toml")


def test_clip_is_for_synapses_only() -> None:
    from neuro_rtrl.equations.model_inline import make_model

    with pytest.raises(DescriptionError, match="not a call of one of the functions"):
        make_model("dv/dt = clip(v, 0, 1)/tau : 1", parameters={"tau": "1 ms"})


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(DescriptionError, match=r"stdp_triplet\b.*Did you mean 'stdp'"):
        load_synapse("sdtp")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("equations = 3", "wrong kind of value"),
        ("parameters = 3", "wrong kind of value"),
        ('equations = """\n' + "w : 1\n" * 51 + '"""', "too many lines"),
    ],
)
def test_what_is_no_text_of_a_synapse_is_refused(text: str, problem: str) -> None:
    with pytest.raises(DescriptionError, match=problem):
        synapse_from_text(text)
