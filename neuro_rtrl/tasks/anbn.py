"""a^n b^n: as many b as there were a; predict the next symbol.

Gers & Schmidhuber 2001 ("LSTM recurrent networks learn simple context-free and context-sensitive
languages", IEEE TNN 12:1333), in the form of Tallec & Ollivier 2018 (ICLR): a text of blocks, each
n times "a", a line break, n times "b", a line break, with n ~ U{shortest .. longest}. Inputs are
the symbols one-hot (a, b, line break), targets the next symbol; loss "cross_entropy". Nothing but
n is random, so that the least possible cost is

    log(longest - shortest + 1) / (shortest + longest + 2)     nats per symbol

over a long text: 0.099 (1/7 bit) for n from 1 to 32.
"""

from __future__ import annotations

import numpy as np

from neuro_rtrl.contracts import Trial
from neuro_rtrl.tasks._common import DrawnTask, need, need_counts, new_key, right_classes

A, B, BREAK = 0, 1, 2


def make(
    rng: np.random.Generator,
    *,
    batch: int = 1,
    steps: int = 1000,
    shortest: int = 1,
    longest: int = 32,
    test_size: int = 4,
) -> DrawnTask:
    """The a^n b^n task.

    Args:
        rng: source of the numbers n.
        batch: texts in a training batch; each begins with a block.
        steps: symbols of a text that are read (the target of the last one is the next).
        shortest, longest: range of n.
        test_size: texts of the held-out batch.

    Raises:
        DescriptionError: a number lies outside its range.

    The score is the fraction of next symbols that the largest logit names.

    >>> task = make(np.random.default_rng(0), steps=8, shortest=2, longest=2)
    >>> "".join("ab|"[symbol] for symbol in task.train(0).inputs[0].argmax(axis=1))
    'aa|bb|aa'
    """
    need_counts("anbn", batch=batch, steps=steps, shortest=shortest, test_size=test_size)
    need(longest >= shortest, "anbn: longest", longest, f"at least {shortest} (the shortest)")

    def draw(source: np.random.Generator, sequences: int) -> Trial:
        texts = np.stack([_text(source, steps + 1, shortest, longest) for _ in range(sequences)])
        symbols = np.eye(3)[texts]
        return Trial(symbols[:, :-1], symbols[:, 1:])

    return DrawnTask(draw, right_classes, 3, 3, batch, test_size, new_key(rng))


def floor(shortest: int = 1, longest: int = 32) -> float:
    """The least mean cost of a long text, in nats per symbol.

    >>> round(floor() / float(np.log(2)), 4)
    0.1429
    """
    return float(np.log(longest - shortest + 1) / (shortest + longest + 2))


def _text(source: np.random.Generator, symbols: int, shortest: int, longest: int) -> np.ndarray:
    """The first `symbols` of a text."""
    blocks = symbols // (2 * shortest + 2) + 1
    numbers = source.integers(shortest, longest + 1, size=blocks)
    return np.concatenate([[A] * n + [BREAK] + [B] * n + [BREAK] for n in numbers])[:symbols]
