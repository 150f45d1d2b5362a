"""Errors as values: what a program goes by, and what passes through a store or a process with them."""

from __future__ import annotations

import pickle
import re

from digest import errors
from digest.errors import BadInput, DigestError, Next, Step


def classes() -> list[type[DigestError]]:
    return [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, DigestError)]


def test_every_class_has_a_code_of_its_own() -> None:
    codes = [each.code for each in classes()]
    assert len(set(codes)) == len(codes) > 10
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_an_error_may_say_its_code_closer_than_its_class() -> None:
    assert BadInput("empty").code == "bad-input"
    assert BadInput("empty", code="title-empty").code == "title-empty"


def test_the_values_of_an_error_come_through_to_another_process() -> None:
    error = BadInput("empty", field="title", next=Next(Step.SHOW_EDITION, {"edition": 12}))
    back = pickle.loads(pickle.dumps(error))
    assert (str(back), back.field, back.next) == (str(error), "title", error.next)


def test_no_secret_is_in_its_text() -> None:
    assert "geheim" not in str(BadInput("postgresql://reader:geheim@db/site cannot be opened"))
