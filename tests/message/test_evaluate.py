"""A value in a hole, the quick way and the whole way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.message.cut import Context, Hole, written
from digest.message.encode import encode_piece
from digest.message.evaluate import asker, evaluator, filler
from digest.model.expression import Path, Question, Step
from digest.model.subscriber import Has, Reader

NAME = Path("reader", (Step(".name"),))
VALUES = st.one_of(
    st.text(max_size=90),
    st.sampled_from(
        ["", "Mira", "two  spaces", ".dot", "From me", "a=b", "https://x.example/?a=1&b=2", "x" * 76, "'\"<>&"]
    ),
)


@given(VALUES, st.sampled_from(Context))
def test_a_hole_is_filled_as_if_the_value_had_been_there(value: str, context: Context) -> None:
    facts = {"reader": Reader(address="mira@example.org", name=value)}
    path = Path("reader", (Step(".name", (), lambda reader: reader.name),))  # type: ignore[attr-defined]
    expected = encode_piece(written(value, context)) if value else b""
    assert filler(Hole(path, context))(facts) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((Step(".name"),), "Mira"),
        ((Step(".has"), Step(".rows")), True),
        ((Step(".name"), Step("|upper", (), str.upper)), "MIRA"),  # type: ignore[arg-type]
        ((Step(".city", (), lambda reader: reader.attributes["city"]),), "Port Alder"),  # type: ignore[attr-defined]
    ],
)
def test_attributes_are_found_as_a_walk_over_the_steps_finds_them(steps: tuple[Step, ...], expected: object) -> None:
    reader = Reader(address="m@example.org", name="Mira", has=Has(rows=True), attributes={"city": "Port Alder"})
    assert evaluator(Path("reader", steps))({"reader": reader}) == expected


def test_an_answer_without_a_hash_is_told_by_its_looks() -> None:
    question = Question(NAME, Step(" as a list", (), lambda name: [name]))
    assert asker(question)({"reader": Reader(address="m@example.org", name="Mira")}) == "['Mira']"
