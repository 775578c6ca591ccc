"""News and the wish to stop travel through a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuro_rtrl.compare_board import Board, Poster, StoppedError
from neuro_rtrl.outputs import News


def news(done: int, run: str = "rtrl, seed 1") -> News:
    return News(run, done, 10, 0.5, None)


def test_the_latest_news_of_each_job_can_be_read(tmp_path: Path) -> None:
    board = Board(tmp_path / "progress")
    board.open()
    for done in (1, 2):
        board.post("a", news(done))
    board.post("b", news(5, "eprop, seed 1"))
    assert [(one.run, one.done) for one in board.read()] == [
        ("rtrl, seed 1", 2),
        ("eprop, seed 1", 5),
    ]
    board.close()
    assert not board.folder.exists()


def test_opening_forgets_an_old_stop(tmp_path: Path) -> None:
    board = Board(tmp_path)
    board.stop()
    assert board.stopped()
    board.open()
    assert not board.stopped()


def test_a_poster_ends_its_job_when_it_is_asked_to(tmp_path: Path) -> None:
    board = Board(tmp_path / "progress")
    board.open()
    poster = Poster(board, "a")
    poster(news(1))
    poster(news(2))  # at once after the first: not put up
    assert [one.done for one in board.read()] == [1]
    board.stop()
    with pytest.raises(StoppedError):
        poster(news(10))


def test_without_a_folder_a_job_is_silent(tmp_path: Path) -> None:
    Poster(None, "a")(news(1))
    Poster(Board(tmp_path / "elsewhere"), "a")(news(1))
    assert not list(tmp_path.iterdir())
