"""English Wikipedia: 106 articles of the dump of May 2016, as plain text.

The shortened dump that the tests of gensim carry. Redirects are left out; markup is removed by
`_wikitext.py`, whose result is this data set's own form of the text.
"""

from __future__ import annotations

import bz2
from collections.abc import Sequence

import numpy as np

from neuro_rtrl.datasets._carrier import Carrier
from neuro_rtrl.datasets._store import Arrays, DataSet, Member
from neuro_rtrl.datasets._wikitext import articles


def read(contents: Sequence[bytes]) -> Arrays:
    """`text` (n,) int32, the code points of all articles in a row, a blank line after each one.

    `starts` (articles,) is where each begins.

    >>> page = "<page><ns>0</ns><text>A [[cat]].</text></page>"
    >>> arrays = read([bz2.compress((page + page).encode())])
    >>> "".join(map(chr, arrays["text"])), arrays["starts"].tolist()
    ('A cat.\\n\\nA cat.\\n\\n', [0, 8])
    """
    texts = [text + "\n\n" for text in articles(bz2.decompress(contents[0]).decode("utf-8"))]
    lengths = [len(text) for text in texts]
    joined = "".join(texts).encode("utf-32-le")
    return {
        "text": np.frombuffer(joined, dtype="<i4").astype(np.int32),
        "starts": np.cumsum([0, *lengths[:-1]]),
    }


DATASET = DataSet(
    name="wikipedia",
    content="106 articles of the English Wikipedia (May 2016), 2.9 million characters of prose",
    carrier=Carrier(
        "pip",
        "gensim",
        "4.4.0",
        "91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8",
        27_809_988,
    ),
    members=(
        Member(
            "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-"
            "shortened.bz2",
            "a53f4648dec40467ebdcbc7a1307eddb51fe6e28e9309f6ebde81ba0d04bea2d",
        ),
    ),
    licence="CC BY-SA 3.0 and GFDL (text); package LGPL-2.1",
    origin="the authors of the English Wikipedia, dump of May 2016, as shipped with gensim",
    read=read,
)
