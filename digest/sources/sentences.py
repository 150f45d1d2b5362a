"""Where a text may be cut: at a sentence's end, else at a word's, never inside a letter. For any script. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_CLOSERS = r"['\"”’»›)\]」』）】》〉]*"
_SPACED_END = re.compile(rf"(?<![.!?…؟۔։‽])[.!?…؟۔։‽]++{_CLOSERS}+(?=\s|$)")
_BARE_END = re.compile(rf"[。！？｡।॥።။។]+{_CLOSERS}|།(?=\s|$)")  # scripts that put no space after it
_TOKEN = re.compile(r"[^\s(\[\"'“‘„«‚/]*$")
_INITIALS = re.compile(r"[^\W\d_]|(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")  # "J", "z", "e.g", "U.S", "bl.a"
_ORDINAL = re.compile(r"\d{1,2}")  # "am 3. Mai"
_LOWER_NEXT = re.compile(r"\s+[\"'“‘„«(\[]*(?P<next>.)", re.S)

_ABBREVIATIONS = frozenset(
    re.findall(
        r"\S+",
        # English, and what most languages share
        "mr mrs ms dr prof st sr jr vs etc no nos vol vols fig figs eq eqs ed eds al cf viz approx dept est inc ltd co corp "
        "bros gen col lt sgt capt cmdr adm rev hon sen rep gov pres mt ft ave blvd rd pp ch sec art op ph.d "
        "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri "
        # German
        "nr bzw usw ca vgl evtl ggf inkl exkl bspw hr fr frl dipl ing mag str tel abs abb bd hrsg jh jhd mio mrd sog geb "
        "gest zzgl mind max min okt dez mär "
        # French, Spanish, Portuguese, Italian
        "mme mmes mlle mgr env éd janv févr avr juil déc chap sra srta srs sras dra dres ud uds vd vds pág págs núm av avda "
        "dto ej ene abr ago dic prof.ª profa eng tel exmo exma dott dott.ssa sig sigg sig.ra avv ecc pag pagg gen mag giu "
        "lug sett ott "
        # Dutch, Scandinavian, Polish, Czech
        "dhr mevr mw drs blz bijv enz resp nl jl ds kl ca tzn np itd itp ul prof hab inż mgr tzw św nar č např atd tj "
        # Russian, Ukrainian
        "г гг в вв т ул руб коп тыс млн млрд им рис стр др пр проф акад см ред",
    )
)


def ends(text: str) -> Iterator[int]:
    """Behind each sentence, from the first one on; "Dr.", "z. B.", "J. R. R. Tolkien" and "3. Mai" end none."""
    found = [match for match in _SPACED_END.finditer(text) if _is_end(text, match)]
    yield from sorted({match.end() for match in (*found, *_BARE_END.finditer(text))})


def _is_end(text: str, mark: re.Match[str]) -> bool:
    """In doubt it is none: a sentence too few is better than half a one."""
    rest = _LOWER_NEXT.match(text, mark.end())
    if rest is None:
        return True
    if rest["next"].islower():
        return False
    if mark.group()[0] != "." or mark.group().startswith(".."):
        return True
    token = _TOKEN.search(text, max(0, mark.start() - 40), mark.start())
    word = token.group().casefold() if token else ""
    return not (_INITIALS.fullmatch(word) or _ORDINAL.fullmatch(word) or word in _ABBREVIATIONS)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters: whole sentences if they fill a third of it, else whole words and "…"."""
    if len(text) <= limit:
        return text
    head = text[: limit + 1]
    fitting = [end for end in ends(head) if limit // 3 < end <= limit]
    # a mark at the very end of `head` was judged without what follows it
    if fitting and fitting[-1] == len(head.rstrip()):
        fitting = [end for end in ends(text[: limit + 80]) if limit // 3 < end <= limit]
    if fitting:
        return text[: fitting[-1]].rstrip()
    cut = text.rfind(" ", 0, limit)
    if cut <= limit // 2:  # Chinese, Japanese, Thai; or an address that is one long word
        cut = _whole_letters(text, limit - 1)
    return text[:cut].rstrip(" ,;:-–—、，；：،؛([{«„“‘") + "…" if limit > 0 else ""


_LEADING_VOWELS = frozenset("เแโใไເແໂໃໄ")
_JOINERS = frozenset("\u200d\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")


def _whole_letters(text: str, cut: int) -> int:
    """The cut or a place before it that parts no letter from its marks, and no family of emoji."""
    lowest = max(0, cut - 40)
    place = cut
    while place > lowest and _is_inside(text, place):
        place -= 1
    return place if place > lowest else cut


def _is_inside(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    return (
        unicodedata.category(after)[0] == "M"
        or after in _JOINERS
        or before == "\u200d"
        or before in _LEADING_VOWELS
        or unicodedata.combining(before) == 9  # a virama: the next letter belongs to it
        or ("\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff")
    )
