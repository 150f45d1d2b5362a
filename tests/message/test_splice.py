"""P8: the fast way equals the plain way, for any template, edition and reader."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import RenderFailed
from digest.message.splice import Copy, plain_parts
from digest.model.address import clean_line
from digest.model.edition import Edition, Pick, Region
from digest.model.place import arrange
from digest.render.html import Renderer
from digest.render.views import EditionInputs
from tests.message.conftest import MONDAY, NEWSLETTER, make_article, make_copy, make_edition, splicer

STYLE = (
    "<style>p {margin:0} .lead {font-size:20px; color:#123456} td.row a {color:#0b5c8a} .pro {font-weight:700}</style>"
)

# Fragments that stand in the frame; each uses the reader in another way
FRAME = (
    "<p>Hello {{ reader.first_name|default('friend', true) }}!</p>",
    '<p title="{{ reader.name }}">{{ reader.name|upper }}, {{ reader.name|title }}</p>',
    '<p><a href="https://x.example/?n={{ reader.name|urlencode }}&amp;m={{ reader.name }}">{{ reader.city }}</a></p>',
    '{% if reader.plan == "pro" %}<p class="pro">Thank you, {{ reader.first_name }}</p>{% else %}<p>Try pro</p>{% endif %}',
    '<p class="{{ reader.plan }}" style="color:{{ reader.colour|default("red", true) }}">styled</p>',
    "{% for a in reader.picks %}<p>{{ loop.index }}. {{ a.title }}</p>{% endfor %}",
    "{% set who %}{{ reader.name }}!{% endset %}{% if who == 'Bob!' %}<p>Bob</p>{% else %}<p>{{ who }}</p>{% endif %}",
    "{% macro hi(x) %}<b>{{ x }}</b>{% endmacro %}<p>{{ hi(reader.name) }} {{ hi(reader.name)|upper }}</p>",
    "{% macro hi2(x) %}{{ x }}{% endmacro %}{% if hi2(reader.name) == 'Bob' %}<p>B</p>{% else %}<p>{{ hi2('x') }}</p>{% endif %}",
    "{% set all = 'a' ~ reader.name ~ '&' %}<p>{{ all }} {{ all|length }} {{ all|upper }} {{ all == 'aBob&' }}</p>",
    "{% filter upper %}<p>{{ reader.name }}</p>{% endfilter %}",
    "<p>{{ [reader.name, reader.city, 'x']|join(', ') }} {{ reader.name|length }} {{ reader.name|reverse }}</p>",
    "<!-- {{ reader.name }} --><p>{{ reader.name|truncate(5, true) }} {{ '%s!' % reader.name }}</p>",
    "<p>{{ reader.name.upper() }} {{ reader.name[:3] }} {{ reader.missing }}{{ reader.name or 'nobody' }}</p>",
    "<p>{{ reader.name|e }} {{ reader.name|safe|striptags }} {{ 'yes' if reader.name is string else 'no' }}</p>",
    "{% if reader.has.headlines and not reader.has.lead %}<p>only headlines</p>{% endif %}",
    "<p>{{ reader.name in ['Bob', 'Eve'] }} {{ 'o' in reader.name }} {{ (reader.name ~ reader.city)|title }}</p>",
)

# Bodies of the picks tag
BODY = (
    '<tr><td class="row"><a href="{{ article.url }}">{{ article.title }}</a></td></tr>',
    '<tr><td{% if place.first %} class="lead"{% endif %}>{{ place.number }}/{{ place.count }} {{ article.title }}</td></tr>',
    (
        "{% if place.opens_section %}<tr><th>{{ article.section }}</th></tr>{% endif %}<tr><td>{{ article.summary }}</td></tr>"
        "{% if place.closes_section and place.section_number == 1 %}<tr><td>ad</td></tr>{% endif %}"
    ),
    (
        "<tr><td>{{ place.number + 1 }} {{ reader.first_name }} {{ article.title|upper }}"
        "{% if not place.last %}<hr>{% endif %}</td></tr>"
    ),
    (
        '<tr><td class="row">{% if reader.plan == "pro" %}<a href="{{ article.url }}">{{ article.title }}</a>'
        "{% else %}{{ article.title }} {{ reader.name ~ place.number }}{% endif %}</td></tr>"
    ),
    '<tr><td>{% if article.image %}<img src="{{ article.image.src }}" alt="{{ article.image.alt }}" width="9">{% endif %}</td></tr>',
    "<tr><td>{{ (reader.name ~ place.number)|upper }} {{ place.number is even }} {{ ['a','b'][place.number % 2] }}</td></tr>",
)

NAMES = st.one_of(
    st.sampled_from(
        ["Bob", "", "Mira O'Brien", '"Q" <b>&amp;</b>', "Ünï çødé 😀", "נועה", "From me", ".dot", "=3D", "a" * 90]
    ),
    st.text(max_size=40).map(clean_line),
)
READERS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "first_name": NAMES,
        "attributes": st.dictionaries(
            st.sampled_from(["plan", "city", "colour"]), st.one_of(st.sampled_from(["pro", "blue", "red"]), NAMES)
        ),
    }
)
TITLES = st.one_of(st.just("Plain title"), st.text(min_size=1, max_size=60).map(clean_line).filter(bool))
REGIONS = st.sampled_from([Region.ROWS, Region.ROWS, Region.HEADLINES, Region.LEAD])


@st.composite
def templates(draw: st.DrawFn) -> Mapping[str, str]:
    fragments = draw(st.lists(st.sampled_from(FRAME), max_size=5, unique=True))
    bodies = [draw(st.sampled_from(BODY)) for _ in range(3)]
    tables = "".join(
        f'<table>{{% picks "{region}" as article, place %}}{body}{{% endpicks %}}</table>'
        for region, body in zip((Region.LEAD, Region.ROWS, Region.HEADLINES), bodies, strict=True)
    )
    html = f"<!DOCTYPE html><html><head><title>x</title>{STYLE}</head><body>{''.join(fragments)}{tables}</body></html>"
    text = (
        "Dear {{ reader.name }},\n.{{ reader.city }}\nFrom {{ reader.name }}\n"
        '{% picks "rows" as a, place %}{{ place.number }}. {{ a.title|wordwrap(30) }}\n  {{ a.url }}\n{% endpicks %}'
        '{% picks "headlines" as a, place %}- {{ a.title }}{% if place.last %}\n--{% endif %}\n{% endpicks %}'
        "{% if reader.plan %}{{ reader.plan }}{% endif %}{{ reader.unsubscribe_url }}"
    )
    subject = draw(st.sampled_from(["{{ edition.subject }}", "{{ reader.first_name }}: {{ edition.subject }}"]))
    return {"body.html": html, "body.txt": text, "subject.txt": subject}


@st.composite
def editions(draw: st.DrawFn) -> Edition:
    titles = draw(st.lists(TITLES, min_size=1, max_size=6))
    sections = draw(st.lists(st.sampled_from(["City", "Sea"]), min_size=len(titles), max_size=len(titles)))
    return make_edition([make_article(i + 1, title=title) for i, title in enumerate(titles)], sections)


@st.composite
def copies(draw: st.DrawFn, edition: Edition) -> Sequence[Copy]:
    found = []
    for number in range(1, draw(st.integers(2, 7))):
        chosen = draw(st.lists(st.sampled_from(edition.candidates), max_size=6, unique_by=lambda c: c.position))
        picks = tuple(Pick(candidate=candidate, region=draw(REGIONS)) for candidate in chosen)
        if found and draw(st.booleans()):  # as in a broadcast: the very same picks
            picks = found[-1].picks
        found.append(replace(make_copy(number, picks, **draw(READERS)), picks=picks))
    return found


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)  # type: ignore[return-value]


def decoded(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    assert part is not None
    return part.get_payload(decode=True).decode().replace("\r\n", "\n")  # type: ignore[union-attr]


def assert_equals_plain(renderer: Renderer, copy: Copy, raw: bytes) -> None:
    """Headers and decoded parts against the plain rendering of that copy."""
    plain = renderer.plain({"reader": copy.reader}, arrange(copy.picks))
    html, text = plain_parts(plain.html, plain.text)
    message = parsed(raw)
    assert decoded(message, "html") == html
    assert decoded(message, "plain") == text
    assert message["Subject"] == plain.subject
    assert message["To"].addresses[0].addr_spec == str(copy.address)
    assert message["List-Unsubscribe"] == f"<{copy.reader.unsubscribe_url}>"


def assert_well_formed(raw: bytes) -> None:
    for part in parsed(raw).walk():
        assert not part.defects
    head, _, body = raw.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert not re.search(rb"[ \t](?=[ \t\r])|\t", body)  # its own relaxed form: a signature hashes it as it is
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert raw.endswith(b"\r\n")
    assert b"\n." not in raw
    assert b"\nFrom " not in raw
    assert raw.replace(b"\r\n", b"").isascii()
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")


@given(data=st.data(), files=templates(), edition=editions())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_p8_the_fast_way_equals_the_plain_way(data: st.DataObject, files: Mapping[str, str], edition: Edition) -> None:
    renderer = Renderer(EditionInputs(newsletter=NEWSLETTER, edition=edition, language="en", files={**files}))
    maker = splicer(renderer)
    readers = data.draw(copies(edition))
    maker.prepare(readers)
    for copy in readers:
        raw = maker.message(copy, at=MONDAY)
        assert_well_formed(raw)
        assert_equals_plain(renderer, maker.fitted(copy), raw)


def rows_template(body: str, frame: str = "") -> Mapping[str, str]:
    html = (
        f'<html><body>{frame}<table>{{% picks "rows" as article, place %}}{body}{{% endpicks %}}</table></body></html>'
    )
    return {"body.html": html, "body.txt": "x", "subject.txt": "{{ edition.subject }}"}


def rows(edition: Edition) -> list[Pick]:
    return [Pick(candidate=candidate, region=Region.ROWS) for candidate in edition.candidates]


def test_a_template_that_only_prints_the_reader_is_rendered_once_for_all() -> None:
    edition = make_edition([make_article(1), make_article(2)])
    files = rows_template("<tr><td>{{ place.number }} {{ article.title }}</td></tr>", "<p>{{ reader.name }}</p>")
    renderer = Renderer(EditionInputs(newsletter=NEWSLETTER, edition=edition, language="en", files={**files}))
    maker = splicer(renderer)
    for number in range(50):
        maker.message(make_copy(number, rows(edition), name=f"Reader {number}"), at=MONDAY)
    assert maker.variants() == {"frames": 1, "blocks": 2}


def test_a_template_that_tests_the_plan_makes_a_variant_for_each_answer() -> None:
    edition = make_edition([make_article(1)])
    files = rows_template("<tr><td>x</td></tr>", '{% if reader.plan == "pro" %}<p>pro</p>{% endif %}')
    renderer = Renderer(EditionInputs(newsletter=NEWSLETTER, edition=edition, language="en", files={**files}))
    maker = splicer(renderer)
    for number, plan in enumerate(["pro", "free", "team", "", "pro"]):
        maker.message(make_copy(number, rows(edition), attributes={"plan": plan}), at=MONDAY)
    assert maker.variants() == {"frames": 2, "blocks": 2}


def test_readers_of_the_same_picks_get_the_block_that_their_own_answers_make() -> None:
    """In a broadcast all copies share one tuple of picks; a block that asks the reader must not be shared with it."""
    edition = make_edition([make_article(1), make_article(2)])
    files = rows_template('<tr><td>{% if reader.plan == "pro" %}for pros{% else %}for all{% endif %}</td></tr>')
    renderer = Renderer(EditionInputs(newsletter=NEWSLETTER, edition=edition, language="en", files={**files}))
    maker, shared = splicer(renderer), tuple(rows(edition))
    for number, plan in enumerate(["pro", "pro", "pro", "free", "pro", "free"]):
        copy = replace(make_copy(number, shared, attributes={"plan": plan}), picks=shared)
        assert_equals_plain(renderer, maker.fitted(copy), maker.message(copy, at=MONDAY))


def test_over_the_clipping_budget_the_last_rows_become_headlines() -> None:
    edition = make_edition([make_article(n) for n in range(1, 41)])
    body = "<tr><td>" + "x" * 4000 + "{{ article.title }}</td></tr>"
    files = dict(rows_template(body))
    files["body.html"] = files["body.html"].replace(
        "</body>", '{% picks "headlines" as a, place %}<p>{{ a.title }}</p>{% endpicks %}</body>'
    )
    renderer = Renderer(EditionInputs(newsletter=NEWSLETTER, edition=edition, language="en", files={**files}))
    maker = splicer(renderer)
    copy = make_copy(1, rows(edition))
    raw = maker.message(copy, at=MONDAY)
    html = decoded(parsed(raw), "html")
    assert on_the_wire(raw) <= 100_000
    assert html.count("Story") == 40
    assert [pick.candidate.position for pick in maker.fitted(copy).picks] == list(range(40))


def on_the_wire(raw: bytes) -> int:
    """Bytes of the HTML part, encoded."""
    return len(raw.partition(b"Content-Type: text/html")[2].partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    "title", ["A story about the harbour", "Die Fähre über den Fluß fährt", "המעבורת חזרה", "渡轮回来了"]
)
@pytest.mark.parametrize("length", [200, 2_000, 20_000])
def test_no_html_is_over_the_clipping_limit_on_the_wire(title: str, length: int) -> None:
    """Quoted-printable makes three bytes of each that is not ASCII."""
    edition = make_edition([make_article(n, title=f"{n} {title}") for n in range(1, 101)])
    files = dict(
        rows_template("<tr><td>{{ article.title * 9 }}{{ '" + title[0] * (length // 100) + "' * 100 }}</td></tr>")
    )
    files["body.html"] = files["body.html"].replace(
        "</body>", '{% picks "headlines" as a, place %}<p>{{ a.title }} {{ a.title * 20 }}</p>{% endpicks %}</body>'
    )
    renderer = Renderer(EditionInputs(newsletter=NEWSLETTER, edition=edition, language="en", files={**files}))
    maker = splicer(renderer)
    copy = make_copy(1, rows(edition))
    raw = maker.message(copy, at=MONDAY)
    assert on_the_wire(raw) <= 100_000
    assert_equals_plain(renderer, maker.fitted(copy), raw)


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        ("{% if %}", "body.html, line 1"),
        ("{{ nothing.there }}", "nothing"),
        ("{{ article.title }}", "article"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", "never ends"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "never ends"),
        ("{{ 'x' * 999999999 }}", "never ends"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("<style>tr:first-child {color:red}</style>", "neighbours"),
        ("<style>@import url(http://127.0.0.1:1/x.css);</style>", "at-rules"),
        ('<link rel="stylesheet" href="x.css">', "external style sheets"),
        ('{% picks "nowhere" as a, b %}{% endpicks %}', "unknown region"),
        ('{% set x %}{% picks "lead" as a, b %}{% endpicks %}{% endset %}', "cannot be put in"),
    ],
)
def test_a_wrong_template_is_refused_with_its_place(frame: str, complaint: str) -> None:
    edition = make_edition([make_article(1)])
    files = rows_template("<tr><td>x</td></tr>", frame)
    inputs = EditionInputs(newsletter=NEWSLETTER, edition=edition, language="en", files={**files})
    with pytest.raises(RenderFailed, match=complaint):
        splicer(Renderer(inputs)).message(make_copy(1, rows(edition)), at=MONDAY)


def test_a_template_sees_what_readers_and_places_are_and_not_what_they_can_do() -> None:
    edition = make_edition([make_article(1), make_article(2)])
    files = rows_template(
        "<tr><td>[{{ place.of }}]</td></tr>", "<p>{{ reader.picks|length }} [{{ reader.make_picks }}]</p>"
    )
    renderer = Renderer(EditionInputs(newsletter=NEWSLETTER, edition=edition, language="en", files={**files}))
    maker = splicer(renderer)
    for number in (1, 2):
        copy = make_copy(number, rows(edition)[:number])
        raw = maker.message(copy, at=MONDAY)
        assert_equals_plain(renderer, maker.fitted(copy), raw)
        html = parsed(raw).get_body(("html",)).get_content()  # type: ignore[union-attr]
        assert f"<p>{number} []</p>" in html
        assert html.count("<td>[]</td>") == number
