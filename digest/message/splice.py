"""Compiled edition x one copy -> the bytes of one message.

The fast way of promise P8. What is the same for many readers is rendered, inlined, cut and encoded once: frames and
blocks (message/frames.py). A message is a frame with the blocks of one reader's picks in their places and the reader's
own values in the holes. What a block is at a place is kept as well, so that a copy like no other costs a look-up for
each of its articles.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from operator import getitem
from typing import Any

from digest.message.evaluate import Evaluator, Filler
from digest.message.frames import Cause, Frame, Frames, ended
from digest.message.headers import Letterhead, date, header, mailbox, message_id, subject
from digest.message.unsubscribe import list_unsubscribe
from digest.model.address import EmailAddress, clean_line
from digest.model.edition import Pick, Region
from digest.model.expression import Facts
from digest.model.place import Regions, by_region, has
from digest.model.rendering import EditionRenderer
from digest.model.subscriber import Reader

CLIPPING_BUDGET = 95_000  # on the wire; Gmail hides what follows 102,400 bytes, the unsubscribe link with it
MAX_SKELETONS = 512
MAX_SHORTENED = 50_000


@dataclass(slots=True, kw_only=True)
class Copy:
    """An edition as one reader gets it. What `reader` says of the picks is set where it is not.

    regions   the picks by region, where that is known already
    """

    reader: Reader
    address: EmailAddress
    subscription_id: int
    picks: tuple[Pick, ...]
    regions: Regions | None = None
    unsubscribe_mailto: str = ""


@dataclass(slots=True)
class _Skeleton:
    """A message without what is the reader's own. parts[0] is left free for the headers.

    size        bytes of its HTML, encoded; more, as long as it is not too long in any case
    is_shared   no block of it asked the reader
    """

    parts: list[bytes]
    slots: list[tuple[int, Filler]]
    subject: tuple[str | Evaluator, ...]
    size: int
    is_shared: bool


class Splicer:
    """One edition in one language. Not thread-safe."""

    def __init__(self, renderer: EditionRenderer, letterhead: Letterhead) -> None:
        self._renderer = renderer
        self._letterhead = letterhead
        self._static = letterhead.static()
        self._frames = Frames(renderer, letterhead.boundary.encode(), on_forget=self._forget)
        self._skeletons: OrderedDict[tuple[int, tuple[Pick, ...]], _Skeleton] = OrderedDict()
        self._shortened: dict[tuple[int, tuple[Pick, ...]], tuple[Pick, ...]] = {}
        self._last_picks: tuple[Pick, ...] | None = None

    # --- one reader -----------------------------------------------------------------------------------------------

    def message(self, copy: Copy, *, at: datetime) -> bytes:
        """The whole message; `at` becomes its Date."""
        return b"".join(self.parts(copy, at=at))

    def parts(self, copy: Copy, *, at: datetime) -> list[bytes]:
        """The same in pieces: putting 40,000 bytes together is for whoever sends them."""
        skeleton, copy = self._skeleton(self._with_picks(copy, copy.picks))
        facts: Facts = {"reader": copy.reader}
        parts = skeleton.parts.copy()
        filled: dict[Filler, bytes] = {}
        for index, fill in skeleton.slots:
            value = filled.get(fill)
            if value is None:
                value = filled[fill] = fill(facts)
            parts[index] = value
        parts[0] = self._headers(copy, skeleton, facts, at)
        return parts

    def prepare(self, copies: Sequence[Copy]) -> None:
        """Render what these copies need and nobody needed before, in as few runs of the inliner as possible."""
        ready = [self._with_picks(copy, copy.picks) for copy in copies]
        while ready:
            self._frames.render_missing([(copy.reader, copy.picks) for copy in ready])
            too_long = {copy.picks for copy in ready if self._is_too_long(copy)}
            shorter = {picks: _shortened(picks) for picks in too_long}
            ready = [self._with_picks(copy, picks) for copy in ready if (picks := shorter.get(copy.picks)) is not None]

    def fitted(self, copy: Copy) -> Copy:
        """The copy as it will be sent: the last articles become headlines where the mail would be clipped, and what does not
        fit even so is left out."""
        return self._skeleton(self._with_picks(copy, copy.picks))[1]

    def lost(self, copy: Copy) -> list[tuple[str, bool]]:
        """(region, is it missing in the HTML part, else in the text) for picks that this template shows nowhere."""
        copy = self.fitted(copy)
        shown = {(site.site.region, site.site.is_html) for site in self._frames.frame({"reader": copy.reader}).sites}
        wanted = sorted({(str(pick.region), is_html) for pick in copy.picks for is_html in (True, False)})
        return [each for each in wanted if each not in shown]

    @property
    def most_variants(self) -> int:
        """The most renderings of one thing so far."""
        return self._frames.most

    def causes(self) -> list[Cause]:
        return self._frames.causes()

    def variants(self) -> dict[str, int]:
        """How many renderings this template has made so far: what personal conditions in it cost."""
        return {"frames": self._frames.count, "blocks": self._frames.blocks_made}

    def _is_too_long(self, copy: Copy) -> bool:
        facts: Facts = {"reader": copy.reader}
        return self._assembled(self._frames.frame(facts), by_region(copy.picks), facts).size > CLIPPING_BUDGET

    def _with_picks(self, copy: Copy, picks: tuple[Pick, ...]) -> Copy:
        regions = copy.regions if copy.regions is not None and copy.picks is picks else by_region(picks)
        wanted = has(regions)
        if copy.regions is regions and copy.reader.has is wanted:
            return copy
        reader = replace(copy.reader, has=wanted, make_picks=partial(self._renderer.views, picks))
        return replace(copy, picks=picks, regions=regions, reader=reader)

    def _headers(self, copy: Copy, skeleton: _Skeleton, facts: Facts, at: datetime) -> bytes:
        head = self._letterhead
        pieces = [part if isinstance(part, str) else _text(part(facts)) for part in skeleton.subject]
        return b"".join(
            (
                _date(at),
                header("To", mailbox(copy.address, copy.reader.name)),
                subject(clean_line("".join(pieces))),
                f"Message-ID: {message_id(head.message_key, copy.subscription_id, head.message_domain)}\r\n".encode(),
                list_unsubscribe(copy.reader.unsubscribe_url, copy.unsubscribe_mailto),
                self._static,
            )
        )

    # --- skeletons ------------------------------------------------------------------------------------------------

    def _skeleton(self, copy: Copy) -> tuple[_Skeleton, Copy]:
        """The skeleton of a copy, and the copy as it fits into it.

        Kept only where the same tuple of picks comes again: readers with a choice of their own have one each, and
        looking theirs up would cost more than it could save.
        """
        facts: Facts = {"reader": copy.reader}
        frame = self._frames.frame(facts)
        is_repeated = copy.picks is self._last_picks
        self._last_picks = copy.picks
        key = (frame.number, copy.picks)
        if is_repeated and (found := self._skeletons.get(key)) is not None:
            return found, copy
        if self._shortened and (shorter := self._shortened.get(key)) is not None:
            return self._skeleton(self._with_picks(copy, shorter))
        skeleton = self._assembled(frame, copy.regions or by_region(copy.picks), facts)
        if skeleton.size > CLIPPING_BUDGET and (shorter := _shortened(copy.picks)) is not None:
            if len(self._shortened) > MAX_SHORTENED:
                self._shortened.clear()
            self._shortened[key] = shorter
            return self._skeleton(self._with_picks(copy, shorter))
        if is_repeated and skeleton.is_shared:
            self._skeletons[key] = skeleton
            if len(self._skeletons) > MAX_SKELETONS:
                self._skeletons.popitem(last=False)
        return skeleton, copy

    def _assembled(self, frame: Frame, regions: Regions, facts: Facts) -> _Skeleton:
        """Everything in its order."""
        parts: list[bytes] = [b""]
        slots: list[tuple[int, Filler]] = []
        size = most = frame.size
        is_shared = True
        measured: list[tuple[dict[bytes, int], list[bytes]]] = []
        for stretch in frame.flow_of(regions):
            if stretch.slots:
                start = len(parts)
                slots += [(start + index, fill) for index, fill in stretch.slots]
            parts += stretch.parts
            site = stretch.site
            if site is None:
                continue
            stand, members = regions[site.site.region]
            try:
                found = list(map(getitem, site.rows[stand], members))
            except KeyError:
                found = self._frames.standings(frame, site, stand, members, facts)
            whole: Any = found
            if site.is_open:
                whole = []
                for each in found:
                    if isinstance(each, bytes):
                        whole.append(each)
                        parts.append(each)
                        continue
                    size += each.size
                    most += each.size
                    is_shared = is_shared and each.is_fixed
                    for part in each.parts:
                        if not isinstance(part, bytes):
                            slots.append((len(parts), part))
                        parts.append(part if isinstance(part, bytes) else b"")
            else:
                parts += whole
            if site.longest:
                most += site.longest * len(whole)
                measured.append((site.sizes, whole))
        if most > CLIPPING_BUDGET:  # only then it is worth looking closely
            most = size + sum(sizes[each] for sizes, whole in measured for each in whole)
        return _Skeleton(parts, slots, frame.subject, most, is_shared)

    def _forget(self) -> None:
        """What was made of frames that are forgotten."""
        self._skeletons.clear()
        self._shortened.clear()


def plain_parts(html: str, text: str) -> tuple[str, str]:
    """The parts of a plain rendering as they stand in a message: each ends with a line break."""
    return ended(html), ended(text)


def _shortened(picks: tuple[Pick, ...]) -> tuple[Pick, ...] | None:
    """The last full article becomes the first headline; where all are headlines, the last one is left out. None when one
    article alone is left. Before an edition is approved it is seen to that none is left out (flows/copies.py)."""
    full = [index for index, pick in enumerate(picks) if pick.region in (Region.ROWS, Region.CARDS, Region.BRIEFS)]
    if not full:
        return picks[:-1] if len(picks) > 1 else None
    rest = list(picks)
    last = rest.pop(full[-1])
    first_headline = next((i for i, pick in enumerate(rest) if pick.region is Region.HEADLINES), len(rest))
    rest.insert(first_headline, _as_headline(last))
    return tuple(rest)


@lru_cache(maxsize=10_000)
def _as_headline(pick: Pick) -> Pick:
    return replace(pick, region=Region.HEADLINES)


@lru_cache(maxsize=16)
def _date(at: datetime) -> bytes:
    return date(at)


def _text(value: object) -> str:
    return "" if value is None else str(value)
