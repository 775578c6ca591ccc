"""News from jobs that run elsewhere, and the wish to stop: small files in one folder.

Files work with any executor whose workers see the folder (threads, processes, a cluster with a
shared file system); where they do not, a comparison runs all the same and is silent.
"""

from __future__ import annotations

import json
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from neuro_rtrl.outputs import News

EVERY = 0.5
"""Seconds between two looks at the folder."""

STOP = "stop"


class StoppedError(Exception):
    """The comparison is to end: raised in a job, between two iterations."""


@dataclass(frozen=True)
class Board:
    """The folder.

    >>> import tempfile
    >>> board = Board(Path(tempfile.mkdtemp()) / "progress")
    >>> board.open()
    >>> board.post("a", News("rtrl, seed 1", 3, 10, 0.5, None))
    >>> [news.done for news in board.read()]
    [3]
    >>> board.close()
    """

    folder: Path

    def open(self) -> None:
        """Makes it anew."""
        self.close()
        self.folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Removes it with all it holds."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def post(self, name: str, news: News) -> None:
        """Puts up where the job `name` stands."""
        with suppress(OSError):
            part = self.folder / f".{name}"
            part.write_text(json.dumps(asdict(news)), encoding="utf-8")
            part.replace(self.folder / f"{name}.json")

    def read(self) -> list[News]:
        """The latest news of every job, by name."""
        found = []
        for file in sorted(self.folder.glob("*.json")):
            with suppress(OSError, ValueError):
                found.append(News(**json.loads(file.read_text(encoding="utf-8"))))
        return found

    def stop(self) -> None:
        """Asks all jobs to end."""
        with suppress(OSError):
            (self.folder / STOP).touch()

    def stopped(self) -> bool:
        """Whether they are asked to."""
        return (self.folder / STOP).exists()


class Poster:
    """The watcher of one job: puts its news up now and then, and ends it when it is asked to.

    Args:
        board: where to put the news; None: nowhere.
        name: of the job, as a file's name.
    """

    def __init__(self, board: Board | None, name: str) -> None:
        self._board, self._name, self._next = board, name, 0.0

    def __call__(self, news: News) -> None:
        """Called after each iteration.

        Raises:
            StoppedError: the comparison is to end.
        """
        if self._board is None or (time.monotonic() < self._next and news.done < news.iterations):
            return
        self._next = time.monotonic() + EVERY
        self._board.post(self._name, news)
        if self._board.stopped():
            raise StoppedError
