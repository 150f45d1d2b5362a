"""What foreign HTML becomes: names on the left say what each case is about."""

from __future__ import annotations

import html
import re
import time
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.sources import clean

FILL = "Word after word, the sentence goes on until it has filled the line that was given to it"


@pytest.mark.parametrize(
    ("foreign", "text"),
    [
        pytest.param("<p>One</p><p>Two &amp; three</p>", "One Two & three", id="tags and entities"),
        pytest.param("&lt;p&gt;Tom &amp;amp; Anna&lt;/p&gt;", "Tom & Anna", id="escaped twice"),
        pytest.param("&lt;p&gt;&amp;lt;b&amp;gt;deep&amp;lt;/b&amp;gt;&lt;/p&gt;", "deep", id="escaped three times"),
        pytest.param("&amp;amp;lt;b&amp;amp;gt;", "&amp;lt;b&amp;gt;", id="what speaks of entities"),
        pytest.param("Caf&eacute; &#8217;n&#x2019; &hellip;", "Café ’n’ …", id="entities of every kind"),
        pytest.param("AT&T; R&D at 5 < 6", "AT&T; R&D at 5 < 6", id="what only looks like an entity"),
        pytest.param("a<script>alert(1)</script>b<style>p{}</style>c", "abc", id="scripts with their text"),
        pytest.param("<\x01b>bold</\x01b>", "bold", id="a tag that a control character hides"),
        pytest.param("<&#8203;b>bold", "<b>bold", id="what is no tag is none without its zero width space"),
        pytest.param('Begun <a href="https://exam', "Begun", id="broken off within a tag"),
        pytest.param("zero\u200bwidth\ufeff and\u00ad soft", "zerowidth and soft", id="zero width"),
        pytest.param("abc\u202edef\u202c", "abcdef", id="an override of direction"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="Persian keeps its non-joiner"),
        pytest.param("क्\u200dष", "क्\u200dष", id="Hindi keeps its joiner"),
        pytest.param("👩\u200d🔬 at work", "👩\u200d🔬 at work", id="emoji keep their joiner"),
        pytest.param("ab\u200dc", "abc", id="Latin has none"),
        pytest.param("<p dir=rtl>מדע (2026)\u200f!</p>", "מדע (2026)\u200f!", id="right to left with its mark"),
    ],
)
def test_foreign_html_becomes_plain_text(foreign: str, text: str) -> None:
    assert clean.plain_text(foreign) == text


@pytest.mark.parametrize(
    "end",
    [
        "The post <a href='https://example.org/1'>A title</a> appeared first on <a href='https://example.org'>X</a>.",
        "The post A title first appeared on X.",
        "Der Beitrag Ein Titel erschien zuerst auf X.",
        "L’article Un titre est apparu en premier sur X.",
        "La entrada Un título se publicó primero en X.",
        "La entrada Un título aparece primero en X.",
        "O post Um título apareceu primeiro em X.",
        "O conteúdo Um título aparece primeiro em X.",
        "L'articolo Un titolo proviene da X.",
        "Het bericht Een titel verscheen eerst op X.",
        "Continue reading →",
        "Continue reading <span>“A title”</span> →",
        "Continue reading A title →",
        "Read more",
        "Read more »",
        "Read More...",
        "Weiterlesen →",
        "Lire la suite",
        "Leer más",
        "Ler mais",
        "Leggi tutto",
        "Lees verder",
        "[…]",
        "[&#8230;]",
        "[...]",
        "(more&hellip;)",
        "[&hellip;] Read more",
    ],
)
@pytest.mark.parametrize("form", ["<p>{} {}</p>", "<p>{}</p>\n<p>{}</p>", "{}<br>{}"])
def test_what_a_blog_appends_is_gone(form: str, end: str) -> None:
    assert clean.summary(form.format("The post office was closed.", end)) == "The post office was closed."


@pytest.mark.parametrize(
    ("foreign", "text"),
    [
        pytest.param("They asked to read more", "They asked to read more", id="the words within a sentence"),
        pytest.param("She said: read more books.", "She said: read more books.", id="a sentence that goes on"),
        pytest.param("Broken off in the [&hellip;]", "Broken off in the…", id="cut off within a sentence"),
        pytest.param("He said [sic] it [1] was [update] so", "He said [sic] it [1] was [update] so", id="brackets"),
        pytest.param(
            '[caption id="a"]A picture[/caption]Text [gallery ids="1,2"] goes on.', "Text goes on.", id="codes"
        ),
        pytest.param("[vc_row][vc_column]Text[/vc_column][/vc_row]", "Text", id="shortcodes around a text"),
        pytest.param("Read more", "", id="nothing else"),
        pytest.param("The post The post office appeared first on X.", "", id="a footer alone"),
    ],
)
def test_what_a_writer_wrote_stays(foreign: str, text: str) -> None:
    assert clean.summary(foreign) == text


@pytest.mark.parametrize(
    "end",
    [
        "as Dr. Who said",
        "so z. B. Gerste und",
        "as in e.g. Barley and",
        "by J. R. R. Tolkien and",
        "at 3.5 Percent of",
        "am 3. Mai und",
        "by Lee et al. In a",
        "at St. Anna and",
        "den bl.a. Sverige och",
        "la Sra. García dice",
        "le 5 févr. Paris et",
        "from Yahoo! is",
        "and so … they",
    ],
)
def test_no_sentence_ends_at_an_abbreviation(end: str) -> None:
    first = f"{FILL}."
    assert clean.summary(f"{first} It goes on {end} {FILL}, {FILL}.", 170) == first


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("这是一个关于海洋的故事，写得很长也很仔细。", "Chinese"),
        ("これは海についての長い物語である。", "Japanese"),
        ("यह समुद्र के बारे में एक लंबी कहानी है।", "Hindi"),
        ("هل هذه قصة طويلة عن البحر والناس؟ ", "Arabic"),
        ("یہ سمندر کے بارے میں ایک لمبی کہانی ہے۔ ", "Urdu"),
        ("바다에 관한 긴 이야기입니다. ", "Korean"),
        ("Это длинная история о море. ", "Russian"),
        ("«Was für ein Meer!» ", "German in quotes"),
    ],
)
def test_a_long_text_ends_at_a_sentence_in_any_script(sentence: str, name: str) -> None:
    text = clean.summary(sentence * 30, 100)
    whole = text.count(sentence.strip())
    assert (whole > 0, text) == (True, (sentence * whole).strip()), name
    assert 33 < len(text) <= 100


def test_text_without_spaces_and_stops_is_cut_between_letters() -> None:
    thai = clean.summary("เรื่องราวเกี่ยวกับท้องทะเลที่ยาวมาก" * 20, 100)
    assert thai.endswith("…")
    assert 80 < len(thai) <= 100
    whole = "เรื่องราวเกี่ยวกับท้องทะเลที่ยาวมาก" * 20
    assert unicodedata.category(whole[len(thai) - 1]) != "Mn"
    assert clean.summary("海" * 300, 100) == "海" * 99 + "…"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("One two — three.", 3),
        ("这是一个关于海洋的故事", 6),
        ("海についての話", 4),
        ("เรื่องราวเกี่ยวกับท้องทะเล", 6),
        ("iPhone 发布会 in 2026", 5),
        ("바다에 관한 이야기", 3),
        ("", 0),
    ],
)
def test_words_are_counted_where_no_spaces_part_them(text: str, words: int) -> None:
    assert clean.count_words(text) == words


PIECES = st.sampled_from(
    re.findall(
        r"\S+",
        "<p> </p> <b> </b> <br> <script> </script> <!-- --> < > & &amp; &lt; &gt; &amp;lt; &#8203; &#60; &hellip; [ ] [[ "
        "]] […] [...] [gallery] [/x] [x a=1] “ ” . … 。 Dr. z. Read more → Weiterlesen \u200b \u200d \u200c \u200f \u202e "
        "\x01 \xad ש ي क् 海 เ ่ é e\u0301 👩\u200d🔬 <a href= <i a b",
    )
) | st.sampled_from(
    [" ", "\n\n", "The post ", " appeared first on ", "Continue reading ", "\u00a0", " proviene da ", "\x1e"]
)
FOREIGN = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=40).map("".join)


@settings(max_examples=400, deadline=None)
@given(FOREIGN, st.integers(1, 120))
@example("&" + "amp;" * 40 + "lt;b&gt;", 100)
@example("<<b>b>x</<b>b>", 100)
@example("[[gallery]]", 100)
def test_a_summary_is_short_plain_and_stays_as_it_is(foreign: str, limit: int) -> None:
    text = clean.summary(foreign, limit)
    assert len(text) <= limit
    assert not re.search("[\u200b\u00ad\ufeff\u202a-\u202e\x00-\x1f\x7f]", text)
    assert text == text.strip()
    assert clean.summary_of([text], limit) == text


@settings(max_examples=300, deadline=None)
@given(FOREIGN)
def test_plain_text_is_plain_and_stays_as_it_is(foreign: str) -> None:
    for text in (clean.plain_text(foreign), clean.title(foreign)):
        assert not re.search("[\u200b\u00ad\ufeff\u202a-\u202e\x00-\x1f\x7f]", text)
        assert clean.line(text) == text


@settings(max_examples=300, deadline=None)
@given(FOREIGN)
def test_what_is_escaped_comes_back_as_it_was(foreign: str) -> None:
    text = clean.line(foreign)
    assert clean.plain_text(html.escape(text)) in (text, clean.plain_text(text))  # what is nothing but markup is read


@pytest.mark.parametrize(
    ("foreign", "text"),
    [
        ("<table><tr><td>A</td><td>B</td></tr></table><p>Tonight we talk.</p>", "A B Tonight we talk."),
        ("<table><caption>A</caption><thead><tr><th>B</th><th>C</th></table>D", "A B C D"),
        ("a<hr>b<hr/>c", "a b c"),
        ("<pre>code</pre>text", "code text"),
        ("<del>old</del><ins>new</ins>", "old new"),
        ("colo<ins>u</ins>r", "colour"),
        ("a<ul><li>b<li>c</ul>d", "a b c d"),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "a b"),
        *((f"a<{name}>b</{name}>c", "a b c") for name in ("nav", "header", "footer", "main", "aside", "address", "h4")),
        ("a<figcaption>b</figcaption>c", "a b c"),
        ("a<audio>b</audio>c<video></video>d", "a c d"),
        ("a<option>b", "a"),
        ("o<b>n</b>e", "one"),
    ],
)
def test_words_of_different_blocks_stand_apart(foreign: str, text: str) -> None:
    assert clean.plain_text(foreign) == text


@pytest.mark.parametrize(
    "piece", ["<", "[a ", "Continue reading ", "The post ", ". ", "&amp;", "<a =", " =", "[", "Read more a", "\u200d"]
)
def test_a_text_made_to_take_long_does_not(piece: str) -> None:
    started = time.process_time()
    clean.summary("<a " + piece * 10_000 + "<")
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "end",
    [
        *(
            "Continue reading",
            "Keep reading",
            "Read more",
            "Read on",
            "Read the full story",
            "Weiterlesen",
            "Mehr lesen",
        ),
        *("Weiter lesen", "Lire la suite", "Lire plus", "En savoir plus", "Continuer la lecture", "Leer más"),
        *("Seguir leyendo", "Sigue leyendo", "Continuar leyendo", "Ler mais", "Leia mais", "Continue lendo"),
        *("Continue a ler", "Continuar lendo", "Continuar a ler", "Leggi tutto", "Leggi di più", "Continua a leggere"),
        *("Lees verder", "Lees meer", "Verder lezen", "READ MORE", "(more…)", "(mehr …)", "(suite...)", "(más…)"),
        *("The post A first appeared on B", "The post A was originally published on B"),
        *("Der Beitrag A erschien zuerst auf B", "Der Artikel A ist zuerst erschienen auf B"),
        *("Cet article A est apparu en premier sur B", "La entrada A se publicó primero en B"),
        *("El artículo A aparece primero en B", "O post A apareceu primeiro em B", "O artigo A aparece primeiro no B"),
        *(
            "O conteúdo A foi publicado primeiro em B",
            "L’articolo A proviene da B",
            "Het bericht A verscheen eerst op B",
        ),
        "L'articolo A sembra essere il primo su B",
    ],
)
def test_what_blogs_append_goes_in_each_language(end: str) -> None:
    assert clean.summary(f"<p>It runs again.</p><p>{end}</p>") == "It runs again."
    assert clean.summary(f"{'It runs. ' * 300} {end}", 5_000) == clean.summary("It runs. " * 300, 5_000)
