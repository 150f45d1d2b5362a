"""Colours of a newsletter: can its readers read them? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from digest.model.newsletter import Look

LEAST_CONTRAST = 4.5
"""Of text on its background: WCAG 2.2, success criterion 1.4.3."""

SHEET, SHEET_DARK = "#ffffff", "#151b21"
BODY, BODY_DARK, MUTED, MUTED_DARK = "#3b4854", "#c2cbd4", "#5f6b77", "#97a3af"


def contrast(first: str, second: str) -> float:
    """From 1 to 21, of two colours as #rrggbb; ValueError for anything else. WCAG 2.2 "contrast ratio"."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def faults(look: Look) -> Iterator[tuple[str, str]]:
    """What of a look could not be read: the field, and a sentence for people. What is no colour is not looked at."""
    pairs = (
        ("accent", "accent", look.accent, "the sheet", SHEET),
        ("accent_ink", "accent_ink", look.accent_ink, "accent", look.accent),
        ("accent_dark", "accent_dark", look.accent_dark, "the dark sheet", SHEET_DARK),
        ("accent_dark_ink", "accent_dark_ink", look.accent_dark_ink, "accent_dark", look.accent_dark),
        ("note_tint", "text", BODY, "note_tint", look.note_tint),
        ("note_tint_dark", "text", BODY_DARK, "note_tint_dark", look.note_tint_dark),
        ("sponsor_tint", "small text", MUTED, "sponsor_tint", look.sponsor_tint),
        ("sponsor_tint_dark", "small text", MUTED_DARK, "sponsor_tint_dark", look.sponsor_tint_dark),
        ("sponsor_tint", "accent", look.accent, "sponsor_tint", look.sponsor_tint),
        ("sponsor_tint_dark", "accent_dark", look.accent_dark, "sponsor_tint_dark", look.sponsor_tint_dark),
    )
    for field, name, ink, ground, paper in pairs:
        try:
            found = contrast(ink, paper)
        except ValueError:
            continue
        if found < LEAST_CONTRAST:
            text = f"{name} {ink} on {ground} {paper} has a contrast of {found:.1f}; {LEAST_CONTRAST} is the least"
            yield field, text


def luminance(colour: str) -> float:
    """From 0, black, to 1, white; ValueError for what is no colour."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise ValueError(f"{colour!r} is no colour like #0b5c8a")
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
