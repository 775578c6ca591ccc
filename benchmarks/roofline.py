"""What the machine can do: STREAM-like triad and axpy with the package's own inner loop, by size.

    triad    a[i] = b[i] + s c[i]                        12 bytes (float32), one multiply-add
    axpy     p <- p + f q                                12 bytes, one multiply-add
    blend-4  p <- p + f a + g b + h c + k e              24 bytes, four multiply-adds

The loops are `neuro_rtrl.kernels.rows.blend`: what arrivals do to influence rows. The working set
is cut into rows of 2048 entries, as arrivals find them; every target row gets other source rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.measure import RUNS, seconds
from benchmarks.record import Record
from neuro_rtrl.kernels.jit import kernel
from neuro_rtrl.kernels.rows import blend

ROW = 2048
KILOBYTES = (32, 128, 512, 1024, 4096, 16384, 65536, 262144)
BYTES = {"triad": 12, "axpy": 12, "blend-4": 24}
ADDS = {"triad": 1, "axpy": 1, "blend-4": 4}


@kernel
def triad(a: np.ndarray, b: np.ndarray, c: np.ndarray, repeat: int) -> None:
    """STREAM's triad."""
    s = a.dtype.type(0.5)
    for _ in range(repeat):
        for i in range(a.size):
            a[i] = b[i] + s * c[i]


@kernel
def blend_rows(
    P: np.ndarray, Q: np.ndarray, factors: np.ndarray, sources: np.ndarray, row: int, repeat: int
) -> None:
    """Every row of P gets `factors.size` rows of Q (as many rows as P)."""
    rows, count = P.size // row, factors.size
    for r in range(repeat * rows):
        for i in range(count):
            sources[i] = ((r * count + i) % rows) * row
        blend(P, (r % rows) * row, row, 1.0, Q, sources, factors, count)


def _time(what: str, kilobytes: int, runs: int, adds: float) -> tuple[list[float], int, int]:
    """Seconds of each run, entries of the target, and repetitions."""
    size = kilobytes * 1024 // 4 // (3 if what == "triad" else 2)
    repeat = max(1, int(adds / (size * ADDS[what])))
    if what == "triad":
        a, b, c = (np.zeros(size, np.float32) for _ in range(3))
        return seconds(lambda: triad(a, b, c, repeat), runs), size, repeat
    row = min(ROW, size)
    size -= size % row
    P, Q = np.zeros(size, np.float32), np.zeros(size, np.float32)
    factors = np.full(ADDS[what], 0.5, np.float32)
    sources = np.zeros(factors.size, np.int64)
    return seconds(lambda: blend_rows(P, Q, factors, sources, row, repeat), runs), size, repeat


def measure(
    sizes: tuple[int, ...] = KILOBYTES,
    runs: int = RUNS,
    adds: float = 1e8,
    say: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """A record for each loop and working set; "step" is one pass over the target."""
    found = []
    for what in BYTES:
        for kilobytes in sizes:
            times, size, repeat = _time(what, kilobytes, runs, adds)
            record = Record("roofline", what, "", size, 1.0, repeat).timed(times)
            per_second = 1e-6 * size / (record.ms_per_step_median or 1.0)
            record.details |= {
                "kilobytes": kilobytes,
                "giga_multiply_adds_per_s": per_second * ADDS[what],
                "gigabytes_per_s": per_second * BYTES[what],
            }
            say(record)
            found.append(record)
    return found


def rate(records: list[Record], kilobytes: float, what: str = "blend-4") -> float:
    """Multiply-adds per second at a working set, interpolated between the measured sizes."""
    mine = [r for r in records if r.who == what]
    sizes = np.log([r.details["kilobytes"] for r in mine])
    rates = [r.details["giga_multiply_adds_per_s"] for r in mine]
    return 1e9 * float(np.interp(np.log(kilobytes), sizes, rates))
