"""The settings of a newsletter: what follows from one, and what is wrong as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

import pytest

from digest.editions.settings import check, put
from digest.errors import Fault, Invalid
from digest.model.address import EmailAddress
from digest.model.newsletter import Look, Newsletter, NewsletterId
from digest.model.setting import Setting, json_schema, read_values

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
HARBOUR = Newsletter(
    id=NewsletterId(1),
    name="harbour",
    title="The Harbour Post",
    sender=EmailAddress("news", "example.org"),
    postal_address="12 Quay Street",
)


def test_a_sound_newsletter_has_no_faults() -> None:
    assert check(HARBOUR) == []


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        read_values(
            Newsletter, {"pace.hours": "7", "max_items": 101, "language": "klingon!", "title": "Fine", "accent": "red"}
        )
    assert [each.field for each in refused.value.faults] == ["pace.hours", "max_items", "language", "accent"]
    assert "pace.hours: '7' are no hours like 07:00-21:00" in str(refused.value)


def test_what_does_not_go_together_is_a_fault() -> None:
    assert check(replace(HARBOUR, min_items=9, max_items=8)) == [Fault("min_items", "9 is more than the most, 8")]
    [pale] = check(replace(HARBOUR, look=replace(Look(), accent_ink="#eeeeee", accent="#0b5c8a", note_tint="#777777")))
    assert (pale.field, "contrast" in pale.text) == ("look.note_tint", True)


def test_a_schedule_that_is_changed_begins_anew() -> None:
    assert put(HARBOUR, {"schedule.weekdays": ("tue",)}, now=NOW).schedule.since_at == NOW
    assert put(HARBOUR, {"schedule.late_hours": 3}, now=NOW).schedule.since_at is None


def test_a_warm_up_begins_today_if_no_day_is_given() -> None:
    begun = put(HARBOUR, {"pace.warm_up_first": 200}, now=NOW)
    assert begun.pace.warm_up_since == "2026-11-23"
    assert (
        put(begun, {"pace.warm_up_first": 300}, now=datetime(2027, 1, 1, tzinfo=UTC)).pace.warm_up_since == "2026-11-23"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WithWords(Newsletter):
    """The declaration, with one line more."""

    max_words: Annotated[int, Setting(help="of an edition", unit="words", least=100)] = 5_000


def test_a_new_setting_is_one_line() -> None:
    own = {field: getattr(HARBOUR, field) for field in ("id", "name", "title", "sender", "postal_address")}
    values = read_values(WithWords, {"max_words": "900"})
    changed = put(WithWords(**own), values, now=NOW)
    assert changed == WithWords(**own, max_words=900)
    assert check(replace(changed, max_words=9)) == [Fault("max_words", "9 is no whole number of 100 or more")]
    assert json_schema(WithWords, title="")["properties"]["max_words"]["minimum"] == 100
