"""Plain text out of the markup of MediaWiki: what a reader of the page would read as prose.

What goes: comments, references, templates, tables, pictures, tags and links' addresses. What stays:
paragraphs, headings and list items, one to a line. Nested markup is removed from the inside out.
"""

from __future__ import annotations

import html
import re

_PAGE = re.compile(r"<page>(.*?)</page>", re.DOTALL)
_TEXT = re.compile(r"<text[^>]*>(.*?)</text>", re.DOTALL)

# Removed with their contents, in this order.
_HIDDEN = tuple(
    re.compile(pattern, re.DOTALL | re.IGNORECASE)
    for pattern in (
        r"<!--.*?-->",
        r"<ref\b[^<>]*/>",
        r"<(ref|math|gallery|timeline|score|source|syntaxhighlight|imagemap|hiero|pre|code)\b"
        r"[^<>]*>.*?</\1\s*>",
    )
)
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
_TABLE = re.compile(r"\{\|(?:(?!\{\||\|\}).)*\|\}", re.DOTALL)
_FILE = re.compile(
    r"\[\[\s*(?:file|image|category|[a-z]{2,3}(?:-[a-z]+)?)\s*:[^\[\]]*\]\]", re.IGNORECASE
)
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]]*)\]\]")
_ADDRESS = re.compile(r"\[(?:https?:)?//[^\s\]]+\s*([^\]]*)\]")
_TAG = re.compile(r"</?[a-z][^<>]{0,200}>", re.IGNORECASE)
_HEADING = re.compile(r"^=+\s*(.*?)\s*=+\s*$", re.MULTILINE)
_BULLET = re.compile(r"^[*#:;]+\s*", re.MULTILINE)
_QUOTES = re.compile(r"'{2,}")
_MAGIC = re.compile(r"__[A-Z]+__")


def articles(dump: str) -> list[str]:
    """The plain text of every article of an XML dump; redirects and other pages are left out.

    >>> articles("<page><ns>0</ns><text x='1'>A '''[[big|large]]''' &amp;lt; {{cite}}cat."
    ...          "</text></page>")
    ['A large < cat.']
    """
    found = []
    for page in _PAGE.findall(dump):
        text = _TEXT.search(page)
        if text and "<ns>0</ns>" in page and "<redirect" not in page:
            found.append(plain(html.unescape(text.group(1))))
    return [text for text in found if text]


def plain(markup: str) -> str:
    """The prose of a page.

    >>> plain("== Life ==\\n[[File:a.png|thumb|a [[b]]]]* ''Born''{{x|{{y}}}}<ref>z</ref> [[in]] 1")
    'Life\\nBorn in 1'
    """
    for hidden in _HIDDEN:
        markup = hidden.sub("", markup)
    markup = _until_none(_TEMPLATE, "", markup)
    markup = _until_none(_TABLE, "", markup)
    # Links may lie inside the caption of a picture, so the innermost go first.
    before = ""
    while before != markup:
        before = markup
        markup = _LINK.sub(r"\1", _FILE.sub("", markup))
    markup = _ADDRESS.sub(r"\1", markup)
    markup = _TAG.sub("", markup)
    markup = _MAGIC.sub("", _QUOTES.sub("", _HEADING.sub(r"\1", markup)))
    return _tidy(html.unescape(_BULLET.sub("", markup)))


def _until_none(pattern: re.Pattern[str], by: str, text: str) -> str:
    count = 1
    while count:
        text, count = pattern.subn(by, text)
    return text


def _tidy(text: str) -> str:
    """Single spaces, no empty lines, no empty brackets that removed markup has left."""
    text = re.sub(r"\(\s*[,;]*\s*\)", "", text.replace("\xa0", " "))
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
