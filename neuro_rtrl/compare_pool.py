"""Runs jobs through an executor, and again in a fresh pool if a worker is killed.

A worker that dies (killed for its memory, say) breaks a whole pool of processes, and all that was
under way is lost. So the lost jobs run again: once more together, then each alone, so that a job
that always kills its worker takes no other with it.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from dataclasses import dataclass
from typing import Any

from neuro_rtrl.compare_board import EVERY, Board
from neuro_rtrl.compare_job import Job, failed, run_job
from neuro_rtrl.outputs import Watcher

ATTEMPTS = 3
KILLED = (
    "the worker process was killed each time (out of memory, perhaps); use fewer --jobs, or a"
    " smaller network"
)

Row = dict[str, Any]


@dataclass
class Runner:
    """What the rounds have in common.

    Attributes:
        workers: processes at a time.
        board: where jobs put their news.
        watch: is told of them.
        keep: is handed each job that has ended, and its row.
        say: is told in words what went wrong.
        interrupted: whether Ctrl-C was pressed.
    """

    workers: int
    board: Board
    watch: Watcher
    keep: Callable[[Job, Row], None]
    say: Callable[[str], None]
    interrupted: bool = False

    def run(self, jobs: Sequence[Job], executor: Executor | None) -> None:
        """Every job, until it has a row or Ctrl-C comes."""
        lost = list(jobs)
        for attempt in range(1, ATTEMPTS + 1):
            if not lost or self.interrupted:
                return
            if attempt > 1:
                how = "together" if attempt < ATTEMPTS else "each alone"
                self.say(
                    f"A worker was killed. Run again in a fresh pool, {how} (attempt {attempt} of"
                    f" {ATTEMPTS}): {'; '.join(job.label for job in lost)}"
                )
            if attempt == 1 and executor is not None:
                lost = self._round(executor, lost)
            elif attempt < ATTEMPTS:
                lost = self._pool(lost, self.workers)
            else:
                lost = [job for one in lost for job in self._pool([one], 1)]
        for job in lost:
            if not self.interrupted:
                self.keep(job, failed(job, KILLED))

    def _pool(self, jobs: Sequence[Job], workers: int) -> list[Job]:
        if self.interrupted:
            return []
        # A forked process would inherit the locks of threads that it does not have.
        with ProcessPoolExecutor(
            min(workers, len(jobs)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=leave_interrupts,
        ) as pool:
            return self._round(pool, jobs)

    def _round(self, executor: Executor, jobs: Sequence[Job]) -> list[Job]:
        """The jobs that were lost because a worker died."""
        futures: dict[Future[Row], Job] = {}
        lost: list[Job] = []
        for job in jobs:
            try:
                futures[executor.submit(run_job, job)] = job
            except BrokenExecutor:
                lost.append(job)
        while futures:
            try:
                done, _ = wait(futures, timeout=EVERY, return_when=FIRST_COMPLETED)
                lost += [futures[future] for future in done if not self._take(future, futures)]
                for future in done:
                    del futures[future]
                self._tell()
            except KeyboardInterrupt:
                if self.interrupted:
                    raise
                self._stop(futures)
        return lost

    def _take(self, future: Future[Row], futures: dict[Future[Row], Job]) -> bool:
        """Keeps what a future holds; False if its worker died."""
        job = futures[future]
        try:
            row = future.result()
        except BrokenExecutor:
            return False
        except CancelledError:
            return True
        except Exception as error:  # it did not reach the worker, or its row not us
            row = failed(job, f"{type(error).__name__}: {error}")
        if not row.get("stopped"):
            self.keep(job, row)
        return True

    def _tell(self) -> None:
        for news in self.board.read():
            self.watch(news)

    def _stop(self, pending: Iterable[Future[Row]]) -> None:
        self.interrupted = True
        self.board.stop()
        self.say("Stopping after the present iterations; what is finished is kept.")
        for future in pending:
            future.cancel()


def leave_interrupts() -> None:
    """In a worker: Ctrl-C is the parent's business, which asks for a stop between iterations."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
