"""What crosses from render/ to message/: marked texts, the holes in them, and what each rendering depended on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from digest.model.edition import Candidate, Pick, Region
from digest.model.expression import Asked, Expression, Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How holes and regions look in a rendered text: letters and digits around a nonce that no content holds."""

    nonce: str

    def hole(self, number: int) -> str:
        return f"@@{self.nonce}h{number}@@"

    def region(self, number: int) -> str:
        return f"@@{self.nonce}r{number}@@"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One `{% picks %}` tag of a template: where a reader's articles go."""

    number: int
    region: Region
    is_html: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedFrame:
    """A mail without its articles, as all readers get it who give the same answers.

    subject, html, text   with marks for holes and regions; html is inlined
    asked                 in the order in which the templates asked
    """

    number: int
    subject: str
    html: str
    text: str
    sites: tuple[Site, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedBlock:
    """One article at one site, as all readers get it who give the same answers."""

    content: str
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockWanted:
    """A block that is needed and not there yet. `facts` are those of the first reader who needs it."""

    frame: int
    site: Site
    candidate: Candidate
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedCopy:
    """One reader's whole mail, rendered by itself: the plain way, which the fast way must equal."""

    subject: str
    html: str
    text: str


class EditionRenderer(Protocol):
    """One edition in one language, ready to be rendered piece by piece. Not thread-safe."""

    marks: Marks

    @property
    def holes(self) -> Sequence[Expression]:
        """Every expression that was ever printed; a hole's number is its index."""
        ...

    def frame(self, facts: Facts) -> RenderedFrame: ...

    def view(self, candidate: Candidate) -> object:
        """The article as a template sees it; one object for each candidate."""
        ...

    def views(self, picks: Sequence[Pick]) -> tuple[object, ...]: ...

    def blocks(self, wanted: Sequence[BlockWanted]) -> list[RenderedBlock]: ...

    def forget(self) -> None:
        """Drop all frames and blocks; numbers start again."""
        ...

    def plain(self, facts: Facts, picks: Mapping[str, Sequence[tuple[Pick, object]]]) -> RenderedCopy: ...
