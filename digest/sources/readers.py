"""What sources that have readers too are told about them: for which newsletters, and how much may change unseen."""

from __future__ import annotations

from dataclasses import dataclass

GONE = ("leave", "keep")


def names_of(text: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOptions:
    """Options that every kind with readers has.

    newsletters      whose readers are brought up to date from here before each edition, comma-separated
    gone             who is not on the site any more: "leave" the newsletter (default), or "keep" it
    max_percent      a change of more than that share waits for a person
    max_few          ... unless it is of no more than so many readers
    """

    newsletters: str = ""
    gone: str = "leave"
    max_percent: int = 20
    max_few: int = 20

    def check_readers(self) -> None:
        if self.gone not in GONE:
            raise ValueError('gone is "leave" or "keep"')
        if not 0 <= self.max_percent <= 100:
            raise ValueError("max_percent is a number from 0 to 100")
        if self.max_few < 0:
            raise ValueError("max_few is a number of readers")
