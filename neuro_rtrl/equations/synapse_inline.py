"""A synapse model from strings in Python: the text of a TOML file, and so the same checks."""

from __future__ import annotations

from collections.abc import Mapping

from neuro_rtrl.contracts_plasticity import Synapse
from neuro_rtrl.equations.model_inline import toml_text
from neuro_rtrl.equations.synapse_text import synapse_from_text


def make_synapse(
    equations: str,
    *,
    on_pre: str = "",
    on_post: str = "",
    on_reward: str = "",
    name: str = "synapse",
    parameters: Mapping[str, str | float] | None = None,
    initial: Mapping[str, str | float] | None = None,
    **lines: str,
) -> Synapse:
    """A synapse model from inline strings.

    Args:
        equations: variables of each synapse, the weight w among them: "w : 1" and, for what decays
            between events, "dA/dt = -A/tau : 1 (event-driven)".
        on_pre: statements at the arrival of a presynaptic spike; "post += w" (or "v_post += w")
            sends w to the target.
        on_post: statements at a spike of the target.
        on_reward: statements when the modulating population sends; `reward` is what it sends.
        parameters: name -> "20 ms", or a number without a unit.
        initial: state -> initial value; that of w is the weight of the projection.
        lines: summary, reference.

    Raises:
        DescriptionError: what `load_synapse` would refuse in a file; line numbers are those of the
            text that these strings make.

    >>> synapse = make_synapse("w : 1", on_pre="post += w; w = clip(w - dw, 0, 1)",
    ...                        parameters={"dw": 0.1})
    >>> [state.name for state in synapse.states], sorted(synapse.on)
    (['w'], ['pre'])
    """
    events = {"on_pre": on_pre, "on_post": on_post, "on_reward": on_reward}
    texts = {"equations": equations} | {k: v for k, v in events.items() if v != ""} | lines
    text = toml_text(texts, parameters=parameters, initial=initial)
    return synapse_from_text(text, name=name, where=name)
