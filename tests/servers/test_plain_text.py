"""What people wrote becomes plain text, whatever they wrote."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toottail.servers.plain_text import MOST_SIGNS, clean, one_line, plain

LINK = (
    '<a href="https://long.example/path"><span class="invisible">https://</span>'
    '<span class="ellipsis">long.example/pa</span><span class="invisible">th</span></a>'
)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two<br>three<br />four</p>", "One\n\nTwo\nthree\nfour"),
        (f"<p>See {LINK}, please</p>", "See long.example/pa…, please"),
        ('<p><span class="h-card"><a href="x">@<span>ann</span></a></span> hi</p>', "@ann hi"),
        ("<ul><li>one</li><li>two</li></ul><p>end", "one\ntwo\n\nend"),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("a\n b   c", "a b c"),
        ("&lt;b&gt; &amp;amp; &#x202e;", "<b> &amp;"),
        ("<script>alert(1)</script><style>p{}</style>ok", "ok"),
        ("<img src=x onerror=alert(1)>ok<!-- no --><![CDATA[x]]>", "ok"),
        ("</p></p>ok</span>", "ok"),
        ("<p>un<span>closed", "unclosed"),
        ('<span class="invisible">gone</p>still</span>seen', "seen"),
        ("a<p></p><p></p><p></p>b", "a\n\nb"),
    ],
)
def test_paragraphs_line_breaks_and_what_is_seen_of_links_stay(html: str, text: str) -> None:
    assert plain(html) == text


def test_signs_that_are_not_seen_or_turn_the_writing_around_are_taken_away() -> None:
    hidden = "\u202e\u2066\u200b\u200e\ufeff\x00\x07\x1b\x7f\x85\u00ad\U000e0041\ud800\ue000"
    assert clean(f"a{hidden}b") == "ab"
    assert plain(f"<p>a{hidden}b</p>") == "ab"
    assert one_line(f" a{hidden}\n\tb ", 10) == "a b"


def test_words_and_emoji_that_need_joiners_keep_them() -> None:
    for text in ("می\u200cخواهم", "👩\u200d🚀"):
        assert plain(f"<p>{text}</p>") == text


def test_texts_are_cut_where_they_are_too_long() -> None:
    assert len(plain("<p>" + "x" * 100_000)) == MOST_SIGNS
    assert plain("<p>" + "x" * 100_000).endswith("x…")
    assert len(plain("<p>" * 100_000 + "x")) <= MOST_SIGNS
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


@given(st.text(alphabet=st.sampled_from("<>/!-&;#x'\"= \nabp\u202e"), max_size=300))
def test_nothing_that_is_written_breaks_it(html: str) -> None:
    text = plain(html)
    assert "\u202e" not in text
    assert "\n\n\n" not in text
    assert text == text.strip()


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        "<a",
        "<a b='",
        "<a b=\"'>",
        "<!--",
        "</",
        "<?",
        "<![CDATA[",
        "<script>",
        "<p>",
        "&",
        "a",
    ],
)
def test_text_made_to_keep_us_busy_is_read_in_one_pass(piece: str) -> None:
    began = time.process_time()
    plain("<" + piece * (40_000 // len(piece)))
    # The parser of the standard library takes five to seventy seconds for the worst of them.
    assert time.process_time() - began < 2
