"""Options of Adam's running moments (Kingma & Ba 2015, Algorithm 1), which AdamW shares."""

from __future__ import annotations

from neuro_rtrl.errors import check_option


def moments(optimizer: str, beta1: float, beta2: float, epsilon: float) -> dict[str, float]:
    """The options, checked.

    Args:
        optimizer: its name, for errors.
        beta1, beta2: decays of the means of the gradient and of its square, in [0, 1).
        epsilon: keeps the division finite; above 0.

    Raises:
        DescriptionError: a number lies outside its range.
    """
    check_option(optimizer, "beta1", beta1, 0 <= beta1 < 1, "a number in [0, 1)")
    check_option(optimizer, "beta2", beta2, 0 <= beta2 < 1, "a number in [0, 1)")
    check_option(optimizer, "epsilon", epsilon, epsilon > 0, "a number above 0")
    return {"beta1": float(beta1), "beta2": float(beta2), "epsilon": float(epsilon)}
