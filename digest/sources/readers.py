"""What sources that have readers too are told about them: for which newsletters, and how much may change unseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from digest.model.setting import Setting

GONE = ("leave", "keep")


def names_of(text: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOptions:
    """Options that every kind with readers has."""

    newsletters: Annotated[
        str, Setting(help="whose readers are brought up to date from here before each edition, comma-separated")
    ] = ""
    gone: Annotated[
        str,
        Setting(help='who is not on the site any more: "leave" the newsletter, or "keep" it', choices=GONE),
    ] = "leave"
    max_percent: Annotated[
        int, Setting(help="a change of more than that share waits for a person", unit="%", least=0, most=100)
    ] = 20
    max_few: Annotated[
        int, Setting(help="... unless it is of no more than so many readers", unit="readers", least=0)
    ] = 20
