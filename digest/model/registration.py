"""Registration: what a site's own database says of one reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One reader as the site knows them; texts as they came, checked by whoever takes them in.

    key              the site's own name for them, which stays when their address changes
    wants            False: they have said there that they want no mail
    consent          the wording they agreed to, as far as the site keeps it
    consent_at       when; None: the site does not say
    consent_origin   where: a form, an import, an admin
    """

    key: str
    address: str
    wants: bool = True
    name: str = ""
    language: str = ""
    time_zone: str = ""
    consent: str = ""
    consent_at: datetime | None = None
    consent_origin: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)
