"""What of a text nobody sees, and what stands for a sign or a note."""

from __future__ import annotations

import pytest

from digest.sources import clean


@pytest.mark.parametrize(
    "unseen",
    [
        '<div style="display:none;max-height:0">PREVIEW TEXT</div>',
        '<div style="DISPLAY : none !important"><div>a</div><p>b</p></div>',
        '<span style="visibility: hidden">a</span>',
        '<div style="mso-hide:all">a</div>',
        '<div style="max-height:0px;overflow:hidden">a</div>',
        "<p hidden>a</p>",
        '<span class="screen-reader-text">a</span>',
        '<span class="meta sr-only">a</span>',
        '<span class="visually-hidden">a</span>',
        '<audio controls src="a.mp3">Your browser does not support the audio element.</audio>',
        "<video><p>Sorry, no video.</p></video>",
        "<canvas>No canvas.</canvas>",
        "<select><option>a<option>b</select>",
        "<textarea>a</textarea>",
        "<form><label>Email</label><input><button>Subscribe</button></form>",
        "<button>Share</button>",
        "<dialog>a</dialog>",
        "<template><p>a</p></template>",
        "<svg><title>a</title><text>b</text></svg>",
        "<noscript>a</noscript>",
        "<!--[if mso]>a<![endif]-->",
        '<a class="anchor">#</a>',
        '<a class="header-anchor" href="#x">¶</a>',
        '<a class="hash-link" href="#x" aria-label="a">\u200b</a>',
        '<a href="#x" aria-hidden="true">§</a>',
        '<a class="headerlink" href="#x">Permalink</a>',
        '<div class="wp-block-button"><a class="wp-block-button__link">Book now</a></div>',
        '<div class="wp-block-buttons"><div class="wp-block-button"><a>Book now</a></div></div>',
        '<div class="kg-card kg-button-card"><a class="kg-btn">Book now</a></div>',
        '<a class="btn btn-primary" href="/">Book now</a>',
        '<div id="ez-toc-container"><p class="ez-toc-title">Contents</p><nav><ul><li><a>One</a></ul></nav></div>',
        '<div id="toc_container" class="no_bullets"><p>Contents</p></div>',
        '<div class="lwptoc lwptoc-autoWidth">Contents</div>',
        '<div class="wp-block-yoast-seo-table-of-contents"><h2>Contents</h2></div>',
        '<div class="wp-block-rank-math-toc-block"><h2>Contents</h2></div>',
        '<nav id="TableOfContents"><ul><li>One</ul></nav>',
        '<nav role="doc-toc">Contents</nav>',
        '<ol class="wp-block-footnotes"><li>So they say.</li></ol>',
        '<section class="footnotes" role="doc-endnotes"><ol><li>So they say.</ol></section>',
    ],
)
def test_what_nobody_sees_is_no_text(unseen: str) -> None:
    assert clean.plain_text(f"{unseen}<p>Tonight we talk of tides.</p>") == "Tonight we talk of tides."
    assert clean.summary(f"<p>Tonight we talk.</p>{unseen}<p>Of tides.</p>") == "Tonight we talk. Of tides."


@pytest.mark.parametrize(
    "seen",
    [
        '<td style="font-size:0"><div style="font-size:16px">Text</div></td>',
        '<div style="max-height:0.5em;overflow:hidden">Text</div>',
        '<div style="opacity:0" class="fade-in">Text</div>',
        '<div class="stock"><a class="link" href="#more">Text</a></div>',
        "<details><summary>Text</summary></details>",
        "<dialog open>Text</dialog>",
        "<!--[if !mso]><!-->Text<!--<![endif]-->",
        '<h2><a class="anchor" href="#x">Text</a></h2>',
    ],
)
def test_what_people_see_is_text(seen: str) -> None:
    assert clean.plain_text(seen) == "Text"


@pytest.mark.parametrize(
    ("foreign", "text"),
    [
        ('Great news <img alt="🎉" class="wp-smiley"> today.', "Great news 🎉 today."),
        ('Great news <img alt=":-)" class="wp-smiley"> today.', "Great news :-) today."),
        ('Great news <img src="https://s.w.org/images/core/emoji/1f389.svg" alt="🎉"> today.', "Great news 🎉 today."),
        ('<p><img src="/boat.jpg" alt="A boat"></p><p>It sails.</p>', "It sails."),
        ('The ferry is back<sup id="fnref:1"><a href="#fn:1">1</a></sup> since', "The ferry is back since"),
        ("The ferry is back<sup>1</sup> since", "The ferry is back since"),
        ("The ferry is back.<sup>[2]</sup> Since", "The ferry is back. Since"),
        ('back<sup data-fn="x" class="fn"><a href="#x" id="x-link">1</a></sup> since', "back since"),
        ('back<a class="footnote-ref" role="doc-noteref" href="#fn:1">1</a> since', "back since"),
        ('back<sup class="reference"><a href="#cite_note-1">[1]</a></sup> since', "back since"),
        ('back<a href="#_ftn1">[1]</a> since', "back since"),
        ("<ruby>港<rt>みなと</rt></ruby>の船", "港の船"),
        ("<ruby>港<rp>(</rp><rt>みなと</rt><rp>)</rp></ruby>の船", "港の船"),
        ("<ruby>港<rt>みなと</ruby>の船", "港の船"),
        ("H<sub>2</sub>O, 1<sup>st</sup>, m<sup>2</sup>, 10<sup>6</sup>, x<sup>n</sup>", "H2O, 1st, m2, 106, xn"),
    ],
)
def test_signs_notes_and_readings_are_what_they_stand_for(foreign: str, text: str) -> None:
    assert clean.plain_text(foreign) == text
