"""What is inlined means what the style sheet meant; what cannot be inlined is refused. A browser is the judge."""

from __future__ import annotations

import random
import re

import pytest
from playwright.sync_api import Page

from digest.errors import RenderFailed
from digest.render.inline import inline, lint
from tests.browser import BrowserThread


def page(css: str, body: str) -> str:
    return f"<!DOCTYPE html><html><head><style>{css}</style></head><body>{body}</body></html>"


def style_of(css: str, body: str) -> str:
    html = page(css, body)
    lint(html, template="body.html")
    found = re.search(r'<p[^>]*? style="([^"]*)"', inline(html))
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("css", "body", "wanted"),
    [
        # shorthand and longhand
        (".box {padding:0} .box {padding-left:4px}", '<p class="box" style="padding:9px">', "padding:9px"),
        (".a {padding:1px} .b {padding-left:2px} .c {padding:3px}", '<p class="a b c">', "padding:3px"),
        (".a {margin:0} .a {margin-top:5px}", "<p class=a style='margin:1px'>", "margin:1px"),
        (".a {margin-top:5px} .b {margin:0}", '<p class="a b">', "margin:0"),
        (".a {margin:0} .b {margin-top:5px}", '<p class="a b">', "margin:0; margin-top:5px"),
        (
            ".a {border-left:1px solid red} .b {border-color:blue} .c {border-left:2px solid red}",
            '<p class="a b c">',
            "border-color:blue; border-left:2px solid red",
        ),
        (".a {border-radius:8px} .b {border:0}", '<p class="a b">', "border-radius:8px; border:0"),
        (".a {line-height:20px} .b {font:12px serif}", '<p class="a b">', "line-height:20px; font:12px serif"),
        # modern values
        (".ink {color:rgb(0 0 0 / 50%)}", "<p class=ink>", "color:rgb(0 0 0 / 50%)"),
        (".ink {color:#00000080; width:min(100%, 40em)}", "<p class=ink>", "color:#00000080; width:min(100%, 40em)"),
        (".ink {color:oklch(40% 0.2 30)}", "<p class=ink style='margin:0'>", "color:oklch(40% 0.2 30); margin:0"),
        (".a {margin:0}", "<p class=a style='color:rgb(0 0 0 / 50%)'>", "margin:0; color:rgb(0 0 0 / 50%)"),
        # pairs
        (
            ".a {background:#fff; background:linear-gradient(red, blue)}",
            "<p class=a>",
            "background:#fff; background:linear-gradient(red, blue)",
        ),
        (".a {width:100%; width:calc(100% - 4px)}", "<p class=a>", "width:100%; width:calc(100% - 4px)"),
        (".a {width:100%; width:calc(100% - 4px)} .b {width:50%}", '<p class="a b">', "width:50%"),
        (".a {width:100%; width:fit-content}", "<p class=a>", "width:100%; width:fit-content"),
        (".a {display:block} .b {display:flex}", '<p class="a b">', "display:block; display:flex"),
        (".a {color:red} .b {color:rgba(0,0,0,.5)}", '<p class="a b">', "color:red; color:rgba(0,0,0,.5)"),
        # the order of the cascade
        ("p.a {color:red} .a {color:blue}", "<p class=a>", "color:red"),
        ("#x {color:red} p.a.b {color:blue}", '<p id=x class="a b">', "color:red"),
        ("p, .a {color:red} p {color:blue}", "<p class=a>", "color:red"),
        ("div .a {color:red} .a {color:blue}", "<div><p class=a></p></div>", "color:red"),
        (".a {color:blue}", "<p class=a style='color:red !important'>", "color:red !important"),
        (".a {color:blue}", "<p class=a style='color:red !important; color:blue'>", "color:red !important; color:blue"),
        (".a {color:#FFFFFF; margin:#ffffffff}", "<p class=a>", "color:#FFF; margin:#ffffffff"),
        (".a {mso-line-height-rule:exactly}", "<p class=a>", "mso-line-height-rule:exactly"),
    ],
)
def test_what_is_inlined(css: str, body: str, wanted: str) -> None:
    assert style_of(css, body) == wanted


@pytest.mark.parametrize(
    ("css", "reason"),
    [
        (".a {color:red !important}", "'!important' loses its meaning inline"),
        (".a {color:red ! important}", "'!important' loses its meaning inline"),
        (".a {color:red !/**/important}", "comments make Outlook skip"),
        (".a {color:red!IMPORTANT}", "'!important' loses its meaning inline"),
        (".a {color:red; .b {color:blue}}", "rules within rules are not inlined"),
        (".a {color:red; &:hover {color:blue}}", "rules within rules are not inlined"),
        (".a {color:red; @media print {color:blue}}", "rules within rules are not inlined"),
        ("@media print {.a {color:red}}", "at-rules are not inlined"),
        ("@import 'x.css';", "at-rules are not inlined"),
        ("@font-face {font-family:x}", "at-rules are not inlined"),
        (".a {color red}", "{...}"),
        (".a {color:red} }", "body.html"),
        (".a", "body.html"),
        ("* {margin:0}", "name them"),
        (".a > {color:red}", "is not understood"),
        (".a:first-child {color:red}", "looks at neighbours"),
        ("[data-ogsc] .a {color:red}", "looks at neighbours"),
    ],
)
def test_what_cannot_be_inlined_is_refused_with_its_reason(css: str, reason: str) -> None:
    with pytest.raises(RenderFailed, match=re.escape(reason)) as caught:
        lint(page(css, "<p class=a>"), template="body.html")
    assert "body.html" in str(caught.value)
    assert 'data-premailer="ignore"' in str(caught.value) or "neighbours" in str(caught.value)


@pytest.mark.parametrize(
    ("own", "left"),
    [
        ("p", "color:#123; p"),
        ('color:"Q" <b>&amp;amp;</b>', "color:#123; color:&quot;Q&quot; &lt;b&gt;&amp;amp; &lt;/b&gt;"),
        ("top:1px; a {b:c}; left:2px", "color:#123; top:1px; a {b:c}; left:2px"),
        ("@media x; left:2px", "color:#123; @media x; left:2px"),
        ("color:red !important; ;", "color:red !important"),
        ("color:'unclosed\nx", "color:#123; color:'unclosed\nx"),
    ],
)
def test_what_is_no_declaration_in_a_style_attribute_stays_as_it_is_and_costs_nobody_a_mail(
    own: str, left: str
) -> None:
    attribute = own.replace('"', "&quot;").replace("<", "&lt;")
    html = f'<html><head><style>p {{color:#123}}</style></head><body><p style="{attribute}">x</p></body></html>'
    lint(html, template="body.html")
    [style] = re.findall(r'<p style="([^"]*)"', inline(html))
    assert style == left


@pytest.mark.parametrize(
    "html", ["", "<style>@media print {p {color:red}}</style>", "<style>p {p {color:red}}</style>"]
)
def test_nothing_goes_missing_where_nobody_asked_the_linter(html: str) -> None:
    with pytest.raises(RenderFailed):
        inline(html)


KEPT = "@font-face {font-family:x} @media print {.a {color:red !important}} .b {color:red !important}"


@pytest.mark.parametrize(
    "kept",
    [
        f"<style>{KEPT}</style>",
        '<a href="tel:+4912345">',
        '<a href="mailto:a@example.org?subject=a%20b">',
        "<!--[if !mso]><!--><p>x</p><!--<![endif]-->",
        "<!--[if mso]><v:rect></v:rect><![endif]-->",
        '<a href="@@token@@">',
        '<td width="600">',
    ],
)
def test_what_is_nobody_s_business_stays(kept: str) -> None:
    html = page(".a {width:100%; text-align:left}", kept.replace("<style>", '<style data-premailer="ignore">'))
    lint(html, template="body.html")
    assert kept in inline(html)


def test_a_rule_for_a_state_stays_in_a_sheet_and_wins() -> None:
    html = inline(page("a {color:red} a:hover {color:blue; margin:0} .b::before {content:'x'}", "<a href=x>x</a>"))
    assert '<a href="x" style="color:red">' in html
    assert "a:hover {color:blue !important;margin:0 !important}" in html
    assert '.b::before {content:"x" !important}' in html


def test_colours_and_places_that_outlook_wants_as_attributes() -> None:
    html = inline(page("td {background-color:#ABC; vertical-align:top}", "<table><tr><td>x</td></tr></table>"))
    assert 'bgcolor="#AABBCC"' in html
    assert 'valign="top"' in html
    assert "bgcolor" not in inline(page("td {background-color:rgb(0 0 0 / 5%)}", "<table><tr><td>x</td></tr></table>"))


# --- a browser is the judge ------------------------------------------------------------------------------------------

SIDES = ("top", "right", "bottom", "left")
VALUES = {
    "padding": ("0", "1px", "2px 3px", "4px 5px 6px 7px"),
    "margin": ("0", "3px", "1px 2px"),
    **{f"padding-{side}": ("8px", "9px", "calc(1px + 2px)") for side in SIDES},
    **{f"margin-{side}": ("8px", "calc(1px + 2px)") for side in SIDES},
    "border": ("1px solid red", "0", "3px dotted blue"),
    **{f"border-{side}": ("2px solid green", "0") for side in SIDES},
    "border-color": ("blue", "red green", "rgb(0 0 0 / 50%)"),
    "border-width": ("5px", "1px 2px"),
    "border-left-color": ("teal", "nosuchcolour"),
    "border-radius": ("4px", "8px 2px"),
    "border-top-left-radius": ("9px",),
    "font": ("12px serif", "italic 14px/20px sans-serif"),
    "font-size": ("10px", "clamp(10px, 2vw, 20px)"),
    "line-height": ("30px", "2"),
    "background": ("#fff", "linear-gradient(red, blue)", "nosuch(1)", "url(x.png) red"),
    "background-color": ("#ffffff", "yellow", "rgb(0 0 0 / 50%)", "nosuch(2)"),
    "color": ("red", "#00f", "oklch(40% 0.2 30)", "nosuch(3)"),
    "text-decoration": ("underline", "none"),
    "text-decoration-color": ("red",),
    "width": ("100px", "calc(10px * 4)", "nosuch(4)"),
    "overflow": ("hidden", "visible"),
    "overflow-x": ("scroll",),
}
COMPUTED = """() => [...document.querySelectorAll("[data-case]")].map(each => {
  const style = getComputedStyle(each);
  return [...style].filter(name => !name.startsWith("-") || name.startsWith("-webkit-text")).map(
    name => name + ":" + style.getPropertyValue(name)).join(";");
})"""


def block(chance: random.Random) -> str:
    names = chance.choices(list(VALUES), k=chance.randint(1, 4))
    return "; ".join(f"{name}:{chance.choice(VALUES[name])}" for name in names)


def paragraph(chance: random.Random, number: int) -> str:
    classes = " ".join(chance.sample("abc", chance.randint(0, 3)))
    own = f" style='{block(chance)}'" if chance.random() < 0.5 else ""
    return f"<div><p data-case class='{classes}'{' id=x' if number == 0 else ''}{own}>x</p></div>"


def test_a_browser_computes_the_same_with_and_without_inlining(browser: BrowserThread) -> None:
    """By chance, other ones each time."""
    seed = random.randrange(10**9)
    chance = random.Random(seed)
    documents = []
    for _ in range(12):
        selectors = [".a", ".b", ".c", "p", "p.a", "#x", "div .b", ".a.c", "p, .b"]
        css = "\n".join(f"{chance.choice(selectors)} {{{block(chance)}}}" for _ in range(chance.randint(2, 7)))
        body = "".join(paragraph(chance, number) for number in range(8))
        documents.append(page(css, body))

    def look(tab: Page) -> list[tuple[object, object]]:
        found = []
        for html in documents:
            tab.set_content(html)
            before = tab.evaluate(COMPUTED)
            tab.set_content(inline(html))
            found.append((before, tab.evaluate(COMPUTED)))
        return found

    for html, (before, after) in zip(documents, browser.look(look, width=640), strict=True):
        assert before == after, (seed, html, inline(html))
