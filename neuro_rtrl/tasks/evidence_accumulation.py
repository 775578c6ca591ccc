"""Evidence accumulation: on which side were more cues, asked for one second later.

The task of Bellec et al. 2020 (Nature Communications 11:3625, figure 4) after Morcos & Harvey 2016.
Seven cues, each 50 silent steps and 100 steps in which the units of its side spike with probability
0.04 a step; 1050 silent steps; 150 steps of recall, in which a third population spikes with 0.04
and there is a target. A fourth population spikes with 0.01 all the time; step 0 is silent. Cues
come from one side with probability 0.3 or 0.7. The label is 1 if more cues came from side 1:

    label = [sum_c cue_c > 7 // 2]

Targets are one-hot for the loss "cross_entropy"; 2250 steps.

With `recipe_seed` the numbers are those by which Korcsak-Gorzo et al. (arXiv 2511.21674) compare
simulators: NumPy's old generator draws the weights of a network (`initial_weights`), and then batch
after batch: the side of each sequence, the cues sequence by sequence, one uniform number for each
sequence, step and unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.tasks._common import DrawnTask, need, need_counts, new_key
from neuro_rtrl.tasks._recipes import LARGEST_SEED, Sequence, no_loops, rounded

CUES, SPACING, CUE, DELAY, RECALL = 7, 50, 100, 1050, 150
STEPS = CUES * (SPACING + CUE) + DELAY + RECALL
CUE_RATE, NOISE_RATE = 0.04, 0.01
ODDS = (0.3, 0.7)
GROUPS = 4
"""Populations of inputs: side 0, side 1, recall, noise."""

Source = np.random.Generator | np.random.RandomState


@dataclass(frozen=True)
class RecipeTask:
    """The task with the recipe's training batches, and a test batch of its own.

    Attributes:
        drawn: the task without the recipe.
        batches: where each training batch begins in the recipe's stream.
        weights: of the network that the recipe draws first; see `initial_weights`.
    """

    drawn: DrawnTask
    batches: Sequence
    weights: dict[str, np.ndarray]
    inputs: int
    outputs: int = 2

    def train(self, iteration: int) -> Trial:
        """Batch `iteration` of the recipe; those before it are drawn first, once."""
        return _draw(self.batches.at(iteration), self.drawn.batch, self.inputs)

    def test(self) -> Trial:
        """The held-out batch, which is not the recipe's."""
        return self.drawn.test()

    def score(self, predictions: np.ndarray, trial: Trial) -> float:
        """Fraction of sequences whose logits, summed over the recall, are right."""
        return self.drawn.score(predictions, trial)


def make(
    rng: np.random.Generator,
    *,
    batch: int = 64,
    inputs: int = 40,
    units: int = 100,
    recipe_seed: int | None = None,
    test_size: int = 64,
) -> DrawnTask | RecipeTask:
    """The evidence accumulation task.

    Args:
        rng: source of cues and spikes, of the held-out ones only with a recipe.
        batch: sequences in a training batch.
        inputs: input units, a multiple of 4.
        units: units of the network whose weights the recipe draws first.
        recipe_seed: seed of the recipe; 1 in the publication.
        test_size: sequences of the held-out batch.

    Raises:
        DescriptionError: a number lies outside its range.

    The score is the fraction of sequences whose logits, summed over the recall, are right.

    >>> trial = make(np.random.default_rng(0), batch=2, recipe_seed=1).train(0)
    >>> trial.inputs.shape, trial.targets[:, -1].tolist()
    ((2, 2250, 40), [[0.0, 1.0], [1.0, 0.0]])
    """
    need_counts("evidence_accumulation", batch=batch, units=units, test_size=test_size)
    _check_inputs(inputs)

    def draw(source: np.random.Generator, sequences: int) -> Trial:
        return _draw(source, sequences, inputs)

    task = DrawnTask(draw, _right_sides, inputs, 2, batch, test_size, new_key(rng))
    if recipe_seed is None:
        return task
    _check_seed(recipe_seed)
    source = np.random.RandomState(recipe_seed)
    weights = _weights(source, inputs, units)
    return RecipeTask(task, Sequence(source, lambda s: _draw(s, batch, inputs)), weights, inputs)


def initial_weights(
    recipe_seed: int = 1, *, inputs: int = 40, units: int = 100
) -> dict[str, np.ndarray]:
    """The weights that the recipe draws before the first batch.

    Returns:
        "in" (inputs, units), "recurrent" (units, units) without loops, "out" (units, 2), and
        "feedback" (units, 2): the fixed weights that broadcast the error.

    Raises:
        DescriptionError: a number lies outside its range.

    >>> {name: weights.shape for name, weights in initial_weights().items()}
    {'in': (40, 100), 'recurrent': (100, 100), 'out': (100, 2), 'feedback': (100, 2)}
    """
    need_counts("evidence_accumulation", units=units)
    _check_inputs(inputs)
    _check_seed(recipe_seed)
    return _weights(np.random.RandomState(recipe_seed), inputs, units)


def _weights(source: np.random.RandomState, inputs: int, units: int) -> dict[str, np.ndarray]:
    # Glorot & Bengio 2010, eq. 16
    limit = np.sqrt(6 / (units + 2))
    return {
        "in": rounded(source.randn(inputs, units) / np.sqrt(inputs)),
        "recurrent": no_loops(rounded(source.randn(units, units) / np.sqrt(units))),
        "out": rounded(source.uniform(-limit, limit, size=(units, 2))),
        "feedback": rounded(source.randn(units, 2)),
    }


def _draw(source: Source, sequences: int, inputs: int) -> Trial:
    """A batch; the order of the draws is the recipe's."""
    sides = source.choice([0, 1], sequences)
    cues = [source.choice([0, 1], CUES, p=(ODDS[side], ODDS[1 - side])) for side in sides]
    group = inputs // GROUPS
    odds = np.zeros((sequences, STEPS, inputs))
    for sequence, shown in enumerate(cues):
        for place, cue in enumerate(shown):
            start = place * (SPACING + CUE) + SPACING
            odds[sequence, start : start + CUE, cue * group : (cue + 1) * group] = CUE_RATE
    odds[:, -RECALL:, 2 * group : 3 * group] = CUE_RATE
    odds[:, :, 3 * group :] = NOISE_RATE
    spikes = (source.random(odds.shape) < odds).astype(float)
    spikes[:, 0] = 0
    labels = np.sum(cues, axis=1) > CUES // 2
    targets = np.full((sequences, STEPS, 2), np.nan)
    targets[:, -RECALL:] = np.eye(2)[labels.astype(int)][:, None]
    return Trial(spikes, targets)


def _right_sides(predictions: np.ndarray, trial: Trial) -> float:
    said = predictions[:, -RECALL:].sum(axis=1).argmax(axis=1)
    return float(np.mean(said == trial.targets[:, -1].argmax(axis=1)))


def _check_inputs(inputs: int) -> None:
    good = inputs >= GROUPS and inputs % GROUPS == 0
    need(good, "evidence_accumulation: inputs", inputs, f"a multiple of {GROUPS}")


def _check_seed(seed: int) -> None:
    need(
        0 <= seed <= LARGEST_SEED,
        "evidence_accumulation: recipe_seed",
        seed,
        "a whole number from 0 to 2**32 - 1",
    )
