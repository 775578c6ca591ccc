"""Markup goes, prose stays."""

from __future__ import annotations

import re

import pytest

from neuro_rtrl.datasets._wikitext import articles, plain
from neuro_rtrl.datasets.wikipedia import DATASET


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a <!-- no\n --> b", "a b"),
        ("a<ref>x [[y]]</ref>b<ref name='z' />c", "abc"),
        ("{{a|{{b}}|[[c]]}}d", "d"),
        ("{| class='x'\n|-\n| {| inner |} cell\n|}\nafter", "after"),
        ("[[File:a.jpg|thumb|of [[b|c]] and [[d]]]]e", "e"),
        ("[[b|c]] [[d]] [[de:Haus]][[Category:x]]", "c d"),
        ("[http://a.b name] [https://a.b]", "name"),
        ("== One ==\n* ''two''\n:'''three'''", "One\ntwo\nthree"),
        ("a<br/>b <span class='x'>c</span>", "ab c"),
        ("x&nbsp;({{lang}}, ) y  &ndash; z", "x y – z"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
    ],
)
def test_markup_goes(markup: str, text: str) -> None:
    assert plain(markup) == text


def test_redirects_and_other_pages_are_left_out() -> None:
    page = "<page><ns>{}</ns>{}<text xml:space='preserve'>{}</text></page>"
    dump = "".join(
        (
            page.format(0, "", "One &amp;amp; ''two''"),
            page.format(0, '<redirect title="x" />', "#REDIRECT [[x]]"),
            page.format(10, "", "a template"),
            page.format(0, "", "{{nothing}}"),
        )
    )
    assert articles(dump) == ["One & two"]


@pytest.mark.usefixtures("real_data")
def test_the_real_extract_is_prose() -> None:
    if not DATASET.is_kept():
        pytest.skip("real data not fetched here: neuro-rtrl data fetch wikipedia")
    text = "".join(map(chr, DATASET.load()["text"]))
    assert text.startswith("Anarchism is a political philosophy that advocates")
    # Unbalanced markup of the authors is all that is left.
    assert len(re.findall(r"\{\{|\}\}|\[\[|\]\]|\{\||<ref", text)) < 10
    assert len(text.split()) == 455_220
