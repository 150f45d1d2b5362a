"""Words for halves and parts of a day beside a clock, in many languages -> the hour of 24. Pure.

The words and the hours that they stand for are CLDR's, by Babel: https://cldr.unicode.org, "Day Periods".
"""

from __future__ import annotations

import re
from functools import lru_cache

from babel import Locale

_LANGUAGES = (
    *(
        "zh",
        "zh_Hant",
        "ja",
        "ko",
        "ar",
        "fa",
        "he",
        "ur",
        "hi",
        "bn",
        "gu",
        "mr",
        "ne",
        "pa",
        "ta",
        "te",
        "kn",
        "ml",
        "si",
    ),
    *("th", "lo", "my", "km", "am", "ka", "hy", "el", "bg", "mk", "ru", "uk", "vi", "tr", "mn"),
)

_LATIN = re.compile(r"\s*([ap])\.?\s?m\b", re.I)

Hours = tuple[int, int]
"""From one hour to before another; over midnight where the second is the smaller."""


def hour_of_24(hour: int, before: str, behind: str) -> int:
    """The hour as a clock of 24 shows it, by what stands before and behind the time."""
    if hour > 12:
        return hour
    if latin := _LATIN.match(behind):
        return hour % 12 + (12 if latin[1] in "pP" else 0)
    if before.isascii() and behind.isascii():
        return hour
    part = _part(before.casefold(), behind.casefold())
    return min((hour % 12, hour % 12 + 12), key=lambda each: _away(each, part)) if part else hour


def _away(hour: int, part: Hours) -> int:
    """Hours from a part of the day: people call half past six evening, whatever CLDR says."""
    start, end = part
    length = (end - start) % 24 or 24
    return 0 if (hour - start) % 24 < length else min((start - hour) % 24, (hour - end) % 24 + 1)


def _part(before: str, behind: str) -> Hours | None:
    words = _words()
    found = _pattern().findall(before)
    if found and before.rstrip(" ,").endswith(found[-1]):
        return words[found[-1]]
    first = _pattern().match(behind.lstrip(" ,"))
    return words[first[0]] if first else None


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    words = sorted(_words(), key=len, reverse=True)
    letter = r"[^\W\d_]"
    # China, Japan and Korea put no spaces between words
    ways = (re.escape(w) if w[0] >= "\u3000" else rf"(?<!{letter}){re.escape(w)}(?!{letter})" for w in words)
    return re.compile("|".join(ways))


@lru_cache(maxsize=1)
def _words() -> dict[str, Hours]:
    """A word that stands for two parts of the day, in one language or in two, says nothing; `am` and `pm` go before."""
    halves: dict[str, set[Hours]] = {}
    parts: dict[str, set[Hours]] = {}
    for name in _LANGUAGES:
        locale = Locale.parse(name)
        rules = {part: rule for each in locale.day_period_rules.values() for part, rule in each.items()}
        for context in locale.day_periods.values():
            for width in ("wide", "abbreviated"):
                for part, word in context.get(width, {}).items():
                    word = word.casefold()
                    if word.isascii():
                        continue
                    if part in ("am", "pm"):
                        halves.setdefault(word, set()).add((0, 12) if part == "am" else (12, 24))
                    elif (hours := _hours(rules.get(part))) is not None:
                        parts.setdefault(word, set()).add(hours)
    found = {word: next(iter(hours)) for word, hours in parts.items() if len(hours) == 1}
    return found | {word: next(iter(hours)) for word, hours in halves.items() if len(hours) == 1}


def _hours(rules: object) -> Hours | None:
    for rule in rules if isinstance(rules, list) else ():
        if {"from", "before"} <= set(rule):
            return int(rule["from"]) // 3600, int(rule["before"]) // 3600
    return None
