"""Small made files in the form of the real data sets' files, so that every test works offline.

They go through the data sets' own readers and are kept where `load` looks for them. Numbers are
drawn from fixed seeds; nothing here was recorded.
"""

from __future__ import annotations

import bz2
import gzip
import json
import string
from collections.abc import Callable

import numpy as np

from neuro_rtrl.data import all_carried

RESP_SAMPLES = 24_000


def digits() -> list[bytes]:
    """Eight images of each class: a bright bar at the class's place, and noise."""
    rng = np.random.default_rng(1)
    rows = []
    for n in range(120):
        image = rng.integers(0, 4, size=64)
        image[6 * (n % 10) : 6 * (n % 10) + 8] = 16
        rows.append(",".join(map(str, [*image, n % 10])))
    return [gzip.compress("\n".join(rows).encode())]


def mnist() -> list[bytes]:
    rng = np.random.default_rng(2)
    return [
        json.dumps({"data": np.round(rng.random(12 * 784) * (k + 1) / 10, 3).tolist()}).encode()
        for k in range(10)
    ]


def fashion_mnist() -> list[bytes]:
    rng = np.random.default_rng(3)
    files = []
    for count in (100, 20):
        pixels = rng.integers(0, 256, size=count * 784, dtype=np.uint8).tobytes()
        labels = (np.arange(count) % 10).astype(np.uint8).tobytes()
        files += [bytes([0, 0, 8, 3]) + bytes(12) + pixels, bytes([0, 0, 8, 1]) + bytes(4) + labels]
    return [gzip.compress(file) for file in files]


def breathing() -> list[bytes]:
    """Breaths of 4.4 s whose period and depth wander, at 40 Hz."""
    rng = np.random.default_rng(4)
    wander = np.cumsum(rng.normal(size=(2, RESP_SAMPLES)) * 0.002, axis=1)
    phase = np.cumsum(2 * np.pi / (40 * 4.4) * np.exp(0.3 * np.sin(wander[0])))
    values = np.round(1000 * np.exp(0.3 * np.sin(wander[1])) * np.sin(phase)).astype(int)
    return ["\n".join(map(str, values)).encode()]


def heart() -> list[bytes]:
    beat = [500 + n % 80 for n in range(300)]
    timed = "timer,hr\n" + "".join(f"{8.5 * n},{v}\n" for n, v in enumerate(beat))
    dated = "datetime,hr\n" + "".join(
        f"2016-11-24 13:58:{n // 100:02d}.{n % 100:02d}0000,{v}\n" for n, v in enumerate(beat)
    )
    return ["\r\n".join(map(str, beat)).encode(), timed.encode(), dated.encode()]


def japanese_vowels() -> list[bytes]:
    rng = np.random.default_rng(5)
    means = rng.normal(size=(9, 12))
    return [_vowels(rng, means, 45), _vowels(rng, means, 27)]


def _vowels(rng: np.random.Generator, means: np.ndarray, count: int) -> bytes:
    lines = ["#made", "@dimensions 12", "@data"]
    for n in range(count):
        frames = means[n % 9][:, None] + 0.1 * rng.normal(size=(12, rng.integers(7, 30)))
        lines.append(
            ":".join([*(",".join(f"{v:.4f}" for v in row) for row in frames), str(n % 9 + 1)])
        )
    return "\n".join(lines).encode()


def wikipedia() -> list[bytes]:
    """Five articles of random words with over a hundred characters, a redirect, and a template."""
    rng = np.random.default_rng(6)
    words = ["the", "cat", "sat", "on", "a", "mat", "Émile", "was", "[[large|big]]", "{{cite}}"]
    words += [*string.ascii_letters, *"0123456789!$%(),-./?@^~+éàüöäñçøåæœß–—£€°×êèîôûÄÖÜ"]
    pages = ["<page><ns>0</ns><redirect title='x' /><text>#REDIRECT [[x]]</text></page>"]
    pages.append("<page><ns>10</ns><text>a template</text></page>")
    for n in range(5):
        text = " ".join(words[k] for k in rng.integers(0, len(words), size=2500))
        pages.append(f"<page><ns>0</ns><text>== Part {n} ==\n{text}</text></page>")
    return [bz2.compress("".join(pages).encode())]


def grasshopper() -> list[bytes]:
    stimulus = "\n".join(f"{50 * n}  {np.sin(n):.4f}" for n in range(400)).encode()
    spikes = b"# made\n" + b"\n".join(b"%d" % (900 * n) for n in range(20)) + b"\n\n"
    return [stimulus, stimulus, spikes, spikes]


RAW: dict[str, Callable[[], list[bytes]]] = {
    "breathing": breathing,
    "digits": digits,
    "fashion_mnist": fashion_mnist,
    "grasshopper": grasshopper,
    "heart": heart,
    "japanese_vowels": japanese_vowels,
    "mnist": mnist,
    "wikipedia": wikipedia,
}
"""Data set -> the made contents of its members."""


def keep_all() -> None:
    """Keeps made data under every data set's name; a data set without any is an error."""
    for data in all_carried():
        data.keep(RAW[data.name]())
