"""Store and recall: keep the bit that was shown with "store" until "recall" asks for it.

The task of Bellec et al. 2018 ("Long short-term memory and learning-to-learn in networks of spiking
neurons", NeurIPS 31), with numbers of this package. Time is cut into slots. Four groups of input
units: bit 0, bit 1, store, recall; a group that is on spikes with probability `rate` in each
step and unit, the others are silent. A random bit is shown in every slot but those of "recall".
While nothing is kept, a slot is a "store" with probability `command`; while something is, a
"recall", after which the bit is forgotten. The target in a recall slot is the bit; loss "bce".
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.tasks._common import DrawnTask, need, need_counts, new_key, right_signs

STORE, RECALL, NEITHER = 2, 3, -1


def make(
    rng: np.random.Generator,
    *,
    batch: int = 32,
    slots: int = 10,
    slot: int = 200,
    population: int = 10,
    rate: float = 0.05,
    command: float = 0.2,
    test_size: int = 32,
) -> DrawnTask:
    """The store-recall task.

    Args:
        rng: source of bits, commands and spikes.
        batch: sequences in a training batch.
        slots: slots in a sequence, at least 2; each sequence has a store and its recall.
        slot: steps in a slot (200 ms at steps of 1 ms).
        population: input units in each of the four groups.
        rate: spikes per step and unit of a group that is on, in (0, 1]; 1 makes the task regular.
        command: probability of the command that comes next, for each slot, in (0, 1].
        test_size: sequences of the held-out batch.

    Raises:
        DescriptionError: a number lies outside its range.

    The score is the fraction of steps with a target whose logit has the right sign.

    >>> trial = make(np.random.default_rng(0), slots=4, slot=5, population=1, rate=1.0).train(0)
    >>> trial.inputs.shape, trial.targets.shape
    ((32, 20, 4), (32, 20, 1))
    """
    need_counts("store_recall", batch=batch, slot=slot, population=population, test_size=test_size)
    need(slots >= 2, "store_recall: slots", slots, "a whole number of at least 2")
    for option, given in (("rate", rate), ("command", command)):
        need(0 < given <= 1, f"store_recall: {option}", given, "a number in (0, 1]")

    def draw(source: np.random.Generator, sequences: int) -> Trial:
        on = np.zeros((sequences, slots, 4))
        kept = np.full((sequences, slots), np.nan)
        for sequence in range(sequences):
            on[sequence], kept[sequence] = _sentence(source, slots, command)
        odds = rate * on.repeat(population, axis=2).repeat(slot, axis=1)
        spikes = (source.random(odds.shape) < odds).astype(float)
        return Trial(spikes, kept.repeat(slot, axis=1)[:, :, None])

    return DrawnTask(draw, right_signs, 4 * population, 1, batch, test_size, new_key(rng))


def _sentence(
    source: np.random.Generator, slots: int, command: float
) -> tuple[np.ndarray, np.ndarray]:
    """Which groups are on (slots, 4), and the bit to be recalled (slots,), NaN elsewhere."""
    bits = source.integers(2, size=slots)
    chosen = _commands(source.random(slots) < command)
    on, target, kept = np.zeros((slots, 4)), np.full(slots, np.nan), 0
    for place, (bit, word) in enumerate(zip(bits, chosen, strict=True)):
        if word != RECALL:
            on[place, bit] = 1
        if word != NEITHER:
            on[place, word] = 1
        if word == STORE:
            kept = int(bit)
        if word == RECALL:
            target[place] = kept
    return on, target


def _commands(wanted: np.ndarray) -> list[int]:
    """Stores and recalls by turns; what is stored is recalled, and something is stored."""
    words: list[int] = []
    last, full = len(wanted) - 1, False
    for place, now in enumerate(wanted):
        must = place == last if full else place == last - 1 and STORE not in words
        may = full or place < last
        acts = bool(must or (now and may))
        words.append((RECALL if full else STORE) if acts else NEITHER)
        full = full != acts
    return words
