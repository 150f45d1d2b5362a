"""How long what strangers write may be before a pattern looks at it, and how many there may be of a thing. Pure.

Far more than any honest source has. What is beyond is cut, and `Collected.cut` says so.
"""

from __future__ import annotations

DATE = 100
TITLE = 2_000
TEXT = 200_000
MARKDOWN = 20_000  # made HTML, for a teaser and a picture; the rest is only counted
FRONT_MATTER = 50_000
PAGE = 2_000_000
"""Characters."""

PAGE_TAGS = 20_000
TAGS = 50_000
"""Of a feed; some 50 microseconds each."""

ITEMS = 2_000
"""Of a feed."""

FEW = 50
"""Authors, topics, pictures, attachments of one article."""


def said(text: str, limit: int, name: str) -> str:
    """The line for what is cut; "" where nothing is."""
    return f"its {name} is cut at {limit:,} of {len(text):,} characters" if len(text) > limit else ""
