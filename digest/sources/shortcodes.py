"""What plugins of a site would have replaced: [gallery ids="1,2"], [caption]...[/caption]. Pure."""

from __future__ import annotations

import re

_SHORTCODE = re.compile(r"\[(\[?)(/?)([A-Za-z][\w-]*+)((?:\s[^\[\]]*+)?)(/?)\](\]?)")
_WITHOUT_ITS_TEXT = re.compile(
    r"\[(?P<name>caption|wp_caption|gallery|playlist|audio|video|embed|code|sourcecode|footnote)\b[^\[\]]*\]"
    r"(?:(?!\[(?P=name)\b).)*?\[/(?P=name)\]",
    re.S | re.I,
)
_ALONE = {"gallery", "playlist", "audio", "video", "embed", "caption", "more", "nextpage", "toc", "footnotes"}
"""Shortcodes that stand without attributes; "[sic]" and "[1]" are a writer's own brackets."""


def without_shortcodes(text: str) -> str:
    """What plugins would have replaced is gone, the text between an opening and a closing one stays.

    Which names are shortcodes only the site knows. Taken for one: what has attributes, what is closed, a name with a
    hyphen or an underscore, and the usual ones. `[[name]]` is how a writer shows one.
    """
    if "[" not in text:
        return text
    text = _WITHOUT_ITS_TEXT.sub(" ", text)
    closed = {match[3] for match in _SHORTCODE.finditer(text) if match[2]}

    def replaced(match: re.Match[str]) -> str:
        name, attributes = match[3], match[4]
        if match[1] and match[6]:
            return match[0][1:-1]
        is_closed = match[5] or attributes.rstrip().endswith("/")
        is_one = match[2] or is_closed or "=" in attributes or name in closed or name.lower() in _ALONE
        if is_one or (not attributes.strip() and re.search(r"[_-]", name)):
            return f"{match[1]} {match[6]}"
        return match[0]

    return _SHORTCODE.sub(replaced, text)
