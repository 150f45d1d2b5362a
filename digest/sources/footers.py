"""What blogs append to a teaser: "The post ... appeared first on ...", "Read more", "[…]". Pure."""

from __future__ import annotations

import re

_FOOTERS = (  # how it begins, how it goes on
    (r"The post", r"(?:appeared first on|first appeared on|was originally published on)"),
    (r"(?:Der Beitrag|Der Artikel)", r"(?:erschien zuerst auf|ist zuerst erschienen auf)"),
    (r"(?:L[’'](?:article|actualité)|Cet article)", r"(?:est apparu en premier sur|est apparu en premier dans)"),
    (r"(?:La entrada|El artículo)", r"(?:se publicó primero en|aparece primero en|apareció primero en)"),
    (
        r"(?:O post|O artigo|O conteúdo|A publicação)",
        r"(?:apareceu primeiro (?:em|n[oa])|aparece primeiro (?:em|n[oa])|foi publicado primeiro em)",
    ),
    (r"L[’'](?:articolo)", r"(?:proviene da|sembra essere il primo su)"),
    (r"(?:Het bericht|Het artikel)", r"(?:verscheen eerst op|verscheen als eerste op)"),
)
_FOOTER = re.compile("|".join(rf"{begin} .{{1,300}}? ?{then} .{{1,200}}" for begin, then in _FOOTERS))
_MORE = (
    r"(?i:Continue reading|Keep reading|Read (?:more|on|the (?:full|whole|rest)[^.!?]{0,40})|Weiterlesen|Mehr lesen|"
    r"Weiter lesen|Lire la suite|Lire plus|En savoir plus|Continuer la lecture|Leer más|Seguir leyendo|Sigue leyendo|"
    r"Continuar leyendo|Ler mais|Leia mais|Continue (?:lendo|a ler)|Continuar (?:lendo|a ler)|Leggi (?:tutto|di più)|"
    r"Continua a leggere|Lees (?:verder|meer)|Verder lezen)"
)
_LINK = re.compile(
    rf"{_MORE}(?:\s+(?:[“\"„«‘][^“”\"„«»]{{1,200}}[”\"“»’]|[^.!?…]{{1,200}}(?=\s*(?:→|»|›|&raquo;|>+)$)))?"
    r"\s*(?:→|»|›|>+|\.\.\.|…|\.|:)?"
)
_AFTER_SENTENCE = r"(?:^|(?<=[.!?…。！？।؟\]\"”»’)])\s*)"
_END = re.compile(
    "|".join(
        rf"{_AFTER_SENTENCE}{begin} (?:(?!{begin} ).){{1,300}}? ?{then} (?:(?!{begin} ).){{1,200}}$"
        for begin, then in _FOOTERS
    )
    + rf"|{_AFTER_SENTENCE}(?:{_LINK.pattern})$"
    + rf"|\s+{_MORE}\s*(?:→|»|›|>>)\s*$"
    + r"|\s*\((?:more|mehr|suite|más)\s?(?:…|\.\.\.)\)\s*$"
)
_CUES = (
    *(
        "appeared",
        "originally published",
        "erschien",
        "en premier",
        "primero en",
        "primeiro",
        "proviene da",
        "il primo su",
    ),
    *("verscheen", "reading", "read more", "read on", "read the", "weiterlesen", "weiter lesen", "mehr lesen", "lire "),
    *(
        "savoir plus",
        "la lecture",
        "leer más",
        "leyendo",
        "ler mais",
        "leia mais",
        "lendo",
        "a ler",
        "leggi ",
        "leggere",
    ),
    *("lees verder", "lees meer", "verder lezen", "(more", "(mehr", "(suite", "(más"),
)
"""In small letters; without one of them _END finds nothing, and it takes a hundred times as long to say so."""

LONGEST_END = 1_000
"""Characters; what is looked for is bounded in itself, and a whole article need not be searched for it."""

_CUT_MARK = re.compile(r"\s*(?:\[\s*(?:…|\.{3,}|. . .)\s*\]|\(\s*(?:…|\.{3})\s*\))\s*[→»›]?\s*$")


def without_end(text: str) -> str:
    """A "[…]" behind a whole sentence goes, one within a sentence becomes "…"."""
    before = None
    while text != before:
        before = text
        end = text[-LONGEST_END:].casefold()
        if any(map(end.__contains__, _CUES)) and (found := _END.search(text, max(0, len(text) - LONGEST_END))):
            text = text[: found.start()].rstrip()
        if _FOOTER.fullmatch(text):  # of a title that speaks of "The post" itself
            return ""
        mark = _CUT_MARK.search(text, max(0, len(text) - LONGEST_END))
        cut = text[: mark.start()] if mark else text
        if cut != text:
            text = cut if not cut or re.search(r"[.!?…。！？।؟][\"”»’)]*$", cut) else cut.rstrip(" ,;:-–—") + "…"
    return text
