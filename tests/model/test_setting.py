"""A setting is declared once: what texts mean, what is refused, and what the schema says come from the declaration."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import parse
from digest.model.address import EmailAddress
from digest.model.newsletter import Newsletter
from digest.model.setting import Setting, get_value, json_schema, settings_of, with_values


class Mood(StrEnum):
    CALM = "calm"
    LOUD = "loud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    hours: Annotated[tuple[int, ...], Setting(help="h", least=0, most=23, is_sorted=True)] = ()
    at: Annotated[time, Setting(help="t", read=parse.wall_time, is_needed=True)] = time(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    name: str = "nobody's to set"
    title: Annotated[str, Setting(help="what readers see", read=parse.line, is_needed=True)]
    mood: Annotated[Mood, Setting(help="m")] = Mood.CALM
    answers: Annotated[EmailAddress | None, Setting(help="a", read=EmailAddress.parse)] = None
    count: Annotated[int, Setting(help="c", unit="days", least=1, most=100)] = 7
    share: Annotated[float, Setting(help="s", least=0)] = 0.5
    is_on: Annotated[bool, Setting(help="o", option="on/off")] = True
    days: Annotated[tuple[str, ...], Setting(help="d", choices=("mon", "tue"), read=parse.weekday, is_sorted=True)] = ()
    inner: Inner = field(default_factory=Inner)


SETTINGS = {each.path: each for each in settings_of(Outer)}


def test_settings_are_the_declared_fields_in_their_order() -> None:
    own = ["title", "mood", "answers", "count", "share", "is_on", "days"]
    assert list(SETTINGS) == [*own, "inner.hours", "inner.at"]
    assert [each.default for each in SETTINGS.values()][:4] == [None, Mood.CALM, None, 7]


@pytest.mark.parametrize(
    ("path", "given", "value"),
    [
        ("title", " The  Post ", "The Post"),
        ("mood", "loud", Mood.LOUD),
        ("answers", "ana@example.org", EmailAddress("ana", "example.org")),
        ("answers", "", None),
        ("count", "12", 12),
        ("count", 12, 12),
        ("share", "0.25", 0.25),
        ("is_on", False, False),
        ("days", "Tuesday, mon,tue", ("mon", "tue")),
        ("days", "", ()),
        ("inner.hours", "18,7,7", (7, 18)),
        ("inner.at", "06:30", time(6, 30)),
    ],
)
def test_what_a_text_means(path: str, given: object, value: object) -> None:
    assert SETTINGS[path].value(given) == value
    assert SETTINGS[path].value(value) == value, "a value means itself"


@pytest.mark.parametrize(
    ("path", "given", "said"),
    [
        ("title", "\u200b", "nothing that can be seen"),
        ("mood", "sad", "there are: calm, loud"),
        ("answers", "ana", "@"),
        ("count", 0, "no whole number from 1 to 100"),
        ("count", "1e2", "no whole number"),
        ("count", "1_0", "no whole number"),
        ("count", True, "no whole number"),
        ("share", "nan", "no number of 0 or more"),
        ("share", "-1", "no number of 0 or more"),
        ("is_on", "maybe", "neither true nor false"),
        ("days", "mon,fri", "'fri'; there are: mon, tue"),
        ("inner.hours", "7,24", "'24' is no whole number from 0 to 23"),
        ("inner.at", "7 o'clock", "no wall time like 07:00"),
    ],
)
def test_what_is_refused_and_why(path: str, given: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SETTINGS[path].value(given)


def test_values_are_put_in_by_path_and_the_rest_stays() -> None:
    before = Outer(title="The Post")
    after = with_values(before, {"count": 9, "inner.hours": (7,)})
    assert (after.count, after.inner.hours) == (9, (7,))
    assert with_values(after, {"count": 7, "inner.hours": ()}) == before
    assert get_value(after, "inner.hours") == (7,)


def test_the_schema_says_the_same() -> None:
    schema = json_schema(Outer, title="Outer")
    assert schema["required"] == ["title"]
    assert schema["properties"]["count"] == {
        "title": "count",
        "description": "c",
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "unit": "days",
        "default": 7,
    }
    assert schema["properties"]["mood"]["enum"] == ["calm", "loud"]
    assert schema["properties"]["days"]["items"]["enum"] == ["mon", "tue"]
    assert schema["properties"]["inner"]["properties"]["at"]["default"] == "07:00"
    assert "name" not in schema["properties"]


@pytest.mark.parametrize("setting", settings_of(Newsletter), ids=lambda each: each.path)
def test_each_setting_of_a_newsletter_explains_itself(setting: Setting) -> None:
    assert setting.help
    assert setting.must_be_given or setting.value(setting.default) == setting.default, "its default is allowed"


@given(st.sampled_from(settings_of(Newsletter)), st.text() | st.integers() | st.floats() | st.booleans())
def test_a_value_is_refused_with_a_sentence_or_means_itself(setting: Setting, given: Any) -> None:
    said, value = "", None
    try:
        value = setting.value(given)
    except ValueError as refusal:
        said = str(refusal)
    assert said or setting.value(value) == value
