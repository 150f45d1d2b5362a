"""Whose box an edition shows."""

from __future__ import annotations

from datetime import date

import pytest

from digest.editions.sponsors import overlapping, sponsor_on
from digest.model.newsletter import Sponsor


def paid(name: str, since: str = "", until: str = "", most: int = 0) -> Sponsor:
    return Sponsor(name=name, url="https://example.org", title="Box", since=since, until=until, most_editions=most)


BANK, TRAM = paid("Bank", "2026-12-01", "2026-12-31", 2), paid("Tram", "2027-01-01")


@pytest.mark.parametrize(
    ("day", "shown", "name"),
    [
        (date(2026, 11, 30), 0, None),
        (date(2026, 12, 1), 0, "Bank"),
        (date(2026, 12, 31), 1, "Bank"),
        (date(2026, 12, 31), 2, None),
        (date(2027, 1, 1), 2, "Tram"),
        (date(2099, 1, 1), 2, "Tram"),
    ],
)
def test_it_is_the_one_whose_days_and_editions_these_are(day: date, shown: int, name: str | None) -> None:
    found = sponsor_on((BANK, TRAM), day, {BANK.key: shown})
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("new", "other"),
    [
        (paid("Inn", "2026-11-01", "2026-11-30"), None),
        (paid("Inn", "2026-11-01", "2026-12-01"), "Bank"),
        (paid("Inn", "2026-12-10", "2026-12-11"), "Bank"),
        (paid("Inn", "2027-02-01", "2027-02-02"), "Tram"),
        (paid("Inn"), "Bank"),
        (paid("Bank", "2026-12-01"), "Tram"),  # it replaces the one with the same title, and runs into the next
    ],
)
def test_days_that_overlap(new: Sponsor, other: str | None) -> None:
    found = overlapping((BANK, TRAM), new)
    assert (found.name if found else None) == other
