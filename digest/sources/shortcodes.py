"""What plugins of a site would have replaced: [gallery ids="1,2"], a film's address on its own line, [:en]...[:]. Pure."""

from __future__ import annotations

import re

_SHORTCODE = re.compile(r"\[(\[?)(/?)([A-Za-z][\w-]*+)((?:\s[^\[\]]*+)?)(/?)\](\]?)")
_WITHOUT_ITS_TEXT = re.compile(
    r"\[(?P<name>caption|wp_caption|gallery|playlist|audio|video|embed|(?:source)?code|footnote|ref|efn_note|mfn|fn|"
    r"vc_raw_html|vc_raw_js|fusion_code|fusion_syntax_highlighter|et_pb_code|raw_html|googlemaps?|contact-form)\b[^\[\]]*\]"
    r"(?:(?!\[(?P=name)\b).)*?\[/(?P=name)\]",
    re.S | re.I,
)
_IN_BASE64 = re.compile(r"\[[A-Za-z][\w-]*+[^\[\]]*+\]\s*+[A-Za-z0-9+/]{40,}+={0,2}\s*+\[/[A-Za-z][\w-]*+\]")
_ALONE = {"gallery", "playlist", "audio", "video", "embed", "caption", "more", "nextpage", "toc", "lwptoc", "footnotes"}
"""Shortcodes that stand without attributes; "[sic]" and "[1]" are a writer's own brackets."""

_EMBEDS = frozenset(
    re.findall(
        r"\S+",
        # WordPress and its plugin Jetpack (modules/shortcodes): what follows the name is a number, a name or an address
        "archiveorg audio bandcamp blip.tv brightcove cartodb codepen crowdsignal dailymotion descript embed "
        "facebook flatio flickr getty gist googleapps googlemaps googleplus googlevideo gravatar houzz hulu "
        "instagram kickstarter mixcloud nextdoor pinterest playlist pocketcasts polldaddy scribd slideshare "
        "smartframe soundcloud spotify ted tiktok tweet twitch twitchtv twitter twitter-timeline untappd-menu "
        "ustream video videopress vimeo wpvideo wufoo youku youtube",
    )
)
_ONE_WORD = re.compile(r"\s+[^\s=]+(?:[\s,]+\d+(?:px|%)?)*\s*")
_AN_ADDRESS = re.compile(r"\s+https?://\S+(?:\s+[\w-]+)*\s*")

ADDRESS = re.compile(r"https?://[^\s<>\"]+")
_ON_ITS_OWN = re.compile(rf"(?m)^[ \t]*+{ADDRESS.pattern}[ \t\r]*$")
_MAY_BE_ALONE = re.compile(r"\n[ \t]*http")

_LANGUAGE = re.compile(
    r"\[:(?P<a>[a-zA-Z]{2,3}(?:[-_][a-zA-Z]{2,4})?)?\]|<!--:(?P<b>[a-zA-Z]{2,3}(?:[-_][a-zA-Z]{2,4})?)?-->"
    r"|\{:(?P<c>[a-zA-Z]{2,3}(?:[-_][a-zA-Z]{2,4})?)?\}"
)
"""How qTranslate-X, qTranslate-XT and WP Multilang write several languages into one text; without a name: for all."""


def in_language(text: str, language: str) -> str:
    """What of it is in `language`, as "de" or "de-at", and what is in none; else in the first in which it says something."""
    if ":" not in text or (first := _LANGUAGE.search(text)) is None:
        return text
    spoken: dict[str, list[str]] = {}
    parts = [("", text[: first.start()])]
    marks = [*_LANGUAGE.finditer(text)]
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        code = (mark["a"] or mark["b"] or mark["c"] or "").lower().replace("_", "-")
        part = text[mark.end() : following.start() if following else None]
        parts.append((code, part))
        if code and part.strip():
            spoken.setdefault(code, []).append(part)
    wanted = language.lower()
    near = [code for code in spoken if code.partition("-")[0] == wanted.partition("-")[0]]
    chosen = next((code for code in (wanted, *near, *spoken) if code in spoken), "")
    return "".join(part for code, part in parts if code in ("", chosen))


def language_in(text: str, language: str) -> str:
    """The language in which `in_language` leaves a text; "" where it names none."""
    marked = [(mark["a"] or mark["b"] or mark["c"] or "").lower() for mark in _LANGUAGE.finditer(text) if ":" in text]
    codes = [code.replace("_", "-") for code in marked if code]
    same = [code for code in codes if code.partition("-")[0] == language.partition("-")[0]]
    return language if same else next(iter(codes), "")


def without_embeds(text: str) -> str:
    """Without addresses on lines of their own: WordPress puts the film, the post or the song in their place."""
    return _ON_ITS_OWN.sub("\n", text) if _MAY_BE_ALONE.search(text) or text[:4] == "http" else text


def without_shortcodes(text: str) -> str:
    """What plugins would have replaced is gone, the text between an opening and a closing one stays.

    Which names are shortcodes only the site knows. Taken for one: what has attributes, what is closed, a name with a
    hyphen or an underscore, an address behind a name, and the usual ones. `[[name]]` is how a writer shows one.
    """
    if "[" not in text:
        return text
    text = _WITHOUT_ITS_TEXT.sub(" ", _IN_BASE64.sub(" ", text))
    closed = {match[3] for match in _SHORTCODE.finditer(text) if match[2]}

    def replaced(match: re.Match[str]) -> str:
        name, attributes = match[3], match[4]
        if match[1] and match[6]:
            return match[0][1:-1]
        is_embed = name.lower() in _EMBEDS and _ONE_WORD.fullmatch(attributes)
        is_closed = match[5] or attributes.rstrip().endswith("/")
        is_one = match[2] or is_closed or "=" in attributes or name in closed or name.lower() in _ALONE or is_embed
        if is_one or _AN_ADDRESS.fullmatch(attributes) or (not attributes.strip() and re.search(r"[_-]", name)):
            return f"{match[1]} {match[6]}"
        return match[0]

    return _SHORTCODE.sub(replaced, text)
