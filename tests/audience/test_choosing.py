"""What a newsletter does not offer cannot be chosen; what was chosen before stands in nobody's way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from digest.audience.choosing import Wanted, check
from digest.errors import BadInput
from digest.model.address import EmailAddress
from digest.model.choices import Choices, Length
from digest.model.newsletter import Newsletter, NewsletterId, Offer

NEWSLETTER = Newsletter(
    id=NewsletterId(1), name="harbour", title="The Harbour Post", sender=EmailAddress("news", "example.org")
)
CASES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"slot": "daily"}, {}, "the cadence daily"),
    ({"hour": 7}, {}, "the hour 7"),
    ({}, {"length": Length.HEADLINES}, "the length headlines"),
    ({}, {"minutes": 5}, "5 minutes"),
    ({}, {"follow_topics": ("city",)}, "following topics"),
    ({}, {"follow_authors": ("ana",)}, "following authors"),
]


@pytest.mark.parametrize(("values", "choices", "sentence"), CASES, ids=[case[2] for case in CASES])
def test_only_what_is_new_must_be_on_offer(values: dict[str, Any], choices: dict[str, Any], sentence: str) -> None:
    wanted = Wanted(**values, choices=Choices(**choices))
    with pytest.raises(BadInput, match=sentence):
        check(wanted, NEWSLETTER)
    muted = replace(wanted, choices=replace(wanted.choices, mute_topics=("sea",)))
    check(muted, NEWSLETTER, wanted)


def test_one_more_name_in_a_list_that_is_not_offered_any_more_is_new() -> None:
    before = Wanted(choices=Choices(follow_topics=("city",)))
    with pytest.raises(BadInput, match="following topics"):
        check(Wanted(choices=Choices(follow_topics=("city", "sea"))), NEWSLETTER, before)


def test_another_value_than_before_is_new() -> None:
    newsletter = replace(NEWSLETTER, offer=Offer(cadences=("weekly",), minutes=(5,)))
    with pytest.raises(BadInput, match="10 minutes"):
        check(Wanted(choices=Choices(minutes=10)), newsletter, Wanted(choices=Choices(minutes=20)))
    with pytest.raises(BadInput, match="the cadence daily"):
        check(Wanted(slot="daily"), newsletter, Wanted(slot="monthly.mon"))
