"""When to update: what users say, and whether a rule has its gradient then."""

from __future__ import annotations

from collections.abc import Mapping

from neuro_rtrl.contracts import Rule
from neuro_rtrl.errors import BuildError, DescriptionError


def update_steps(update: str | int) -> int:
    """Steps between updates; 0: at the end of a sequence."""
    if isinstance(update, str) and update in ("step", "sequence"):
        return 1 if update == "step" else 0
    if isinstance(update, bool) or not isinstance(update, int) or update < 1:
        raise DescriptionError(
            "this is not a time to update",
            where="update",
            given=repr(update),
            expected='"step", "sequence", or a number of steps from 1',
        )
    return update


def check_update(rule: Rule, update: str | int, every: int) -> None:
    """Refuses an update at a step where the rule has no gradient."""
    if every == 0 or (rule.online and every % rule.online == 0):
        return
    if rule.online == 0:
        raise BuildError(
            f"the rule {rule.name} has its gradient at the end of a sequence",
            where="update",
            given=repr(update),
            expected='update="sequence"',
            remedy='Use the rule "rtrl" to learn within a sequence.',
        )
    fits = max(1, round(every / rule.online)) * rule.online
    raise BuildError(
        f"the rule {rule.name} has a gradient at every {rule.online} steps only",
        where="update",
        given=repr(update),
        expected=f'"sequence", or a multiple of {rule.online}',
        remedy=f"The nearest that works is update={fits}.",
    )


def check_single_steps(rule: Rule) -> None:
    """Refuses to go on step by step with a rule that has no gradient then."""
    if rule.online == 1:
        return
    whole = "windows" if rule.online else "sequences"
    raise BuildError(
        f"the rule {rule.name} needs whole {whole}",
        given="a single step",
        expected="Learner.run(inputs, targets)",
        remedy='Use the rule "rtrl" to learn step by step.',
    )


def check_whole(options: Mapping[str, bool], where: str, given: str, expected: str) -> None:
    """Refuses what sees less than a sequence, where its rates or number of steps count.

    Args:
        options: name of each option of whole sequences -> whether it is used.
        where: what sees less.
        given: by the user there.
        expected: instead.
    """
    for name, used in options.items():
        if used:
            raise BuildError(
                f"{name} is of whole sequences", where=where, given=given, expected=expected
            )
