"""Numbers given out one after the other, by a counter whose state can be kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counting:
    """0, 1, 2, ...: for `next`.

    >>> numbers = Counting()
    >>> next(numbers), next(numbers), numbers.given
    (0, 1, 2)
    """

    given: int = 0

    def __next__(self) -> int:
        self.given += 1
        return self.given - 1

    def __iter__(self) -> Counting:
        return self
