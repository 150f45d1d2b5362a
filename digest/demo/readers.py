"""Invented readers: many languages and time zones, and the addresses and names that break careless mailers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import cycle, islice

_ODD = (  # (address, name, language, time zone)
    ("mira.kessler+weekly@example.org", "Mira Kessler", "en", "Europe/London"),
    ("o'brien@example.net", "Aoife O'Brien", "en", "Europe/Dublin"),
    ("greta@bücherei.example", "Greta Müller-Lüdenscheidt", "de", "Europe/Berlin"),
    ("jörg.weiß@example.org", "Jörg Weiß", "de", "Europe/Vienna"),
    ("no-name@example.com", "", "en", ""),
    ("li.wu@example.org", 'Wu, Li "Lily"', "en", "Asia/Shanghai"),
    ("tags@example.org", "<b>Bold</b> & Brave", "en", "America/New_York"),
    ("template@example.org", "{{ 7 * 7 }} @@name@@", "en", "UTC"),
    ("noa@example.org", "נועה לוי", "he", "Asia/Jerusalem"),
    (
        "long@" + "a-very-long-label-for-a-domain." * 3 + "example",
        "Maximiliane Theodora von und zu Langenname",
        "de",
        "",
    ),
    ("emoji@example.org", "Sam 🚲 Rivers", "en", "Pacific/Auckland"),
    ("a@b.example", "Q", "fr", "Europe/Paris"),
    ("dots.are.not.dropped@example.org", "Dot Matrix", "en", "Asia/Kolkata"),
)

_NAMES = {
    "en": ("Anna Ned Priya Tom Ruth Olu Grace Ivan Maya Lars", "Archer Bell Carter Doyle Ellis Frost Gray Hale Ibsen"),
    "de": ("Lena Paul Karin Uwe Frieda Anton Silke Jonas Ute", "Acker Busch Clausen Dorn Ebert Falk Gruber Haas"),
    "fr": ("Chloé Luc Inès Rémi Zoé Hugo Elsa Théo", "Aubert Blanc Carpentier Dubois Étienne Faure Garnier"),
    "es": ("Lucía Pablo Inés Mateo Nuria Diego", "Álvarez Blanco Castro Díaz Núñez Peña Rojas"),
    "he": ("דנה יונתן מאיה איתי תמר", "כהן לוי מזרחי ברק שחר"),
}
_ZONES = {
    "en": ("Europe/London", "America/New_York", "America/Los_Angeles", "Australia/Sydney", "Africa/Lagos"),
    "de": ("Europe/Berlin", "Europe/Zurich"),
    "fr": ("Europe/Paris", "America/Montreal"),
    "es": ("Europe/Madrid", "America/Mexico_City", "America/Argentina/Buenos_Aires"),
    "he": ("Asia/Jerusalem",),
}
_LANGUAGES = ("en", "de", "en", "fr", "en", "de", "en", "es", "en", "en", "he", "en", "de", "en", "fr", "en")
_HOSTS = ("example.org", "example.com", "example.net", "mail.example.org", "post.example")


def readers(count: int) -> list[dict[str, str]]:
    """Rows for `digest subscriber import`; the same ones every time."""
    return list(islice(_all(), count))


def _all() -> Iterator[dict[str, str]]:
    for address, name, language, zone in _ODD:
        yield {"address": address, "name": name, "language": language, "time_zone": zone}
    languages, hosts = cycle(_LANGUAGES), cycle(_HOSTS)
    number = 0
    while True:
        number += 1
        language = next(languages)
        first, last = (part.split() for part in _NAMES[language])
        name = f"{first[number % len(first)]} {last[number * 3 % len(last)]}"
        yield {
            "address": f"{_ascii(name) or 'reader'}.{number}@{next(hosts)}",
            "name": name,
            "language": language,
            "time_zone": _ZONES[language][number % len(_ZONES[language])],
        }


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return plain.strip().lower().replace(" ", ".")
