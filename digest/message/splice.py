"""Compiled edition x one copy -> the bytes of one message.

The fast way of promise P8. What is the same for many readers is rendered, inlined, cut and encoded once: frames and
blocks, each in as many variants as its template asks questions with different answers (message/variants.py). Readers
with the same picks in the same frame share a skeleton: encoded pieces with empty slots. A message is a skeleton with
its slots filled.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from digest.errors import RenderFailed
from digest.message.cut import Hole, Piece, SiteMark, cut_html, cut_text, written
from digest.message.encode import encode_piece
from digest.message.headers import Letterhead, date, header, mailbox, message_id, subject
from digest.message.unsubscribe import list_unsubscribe
from digest.message.variants import Variants
from digest.model.address import EmailAddress, clean_line
from digest.model.edition import Pick, Region
from digest.model.expression import Expression, Facts, Path
from digest.model.place import Place, arrange, has
from digest.model.rendering import BlockWanted, EditionRenderer, RenderedFrame, Site
from digest.model.subscriber import Reader

CLIPPING_BUDGET = 90_000  # Gmail hides what follows 102,400 bytes, the unsubscribe link with it
MAX_VARIANTS = 5_000
MAX_SKELETONS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """An edition as one reader gets it.

    picks_key   equal for readers with equal picks: they may share a skeleton
    """

    reader: Reader
    address: EmailAddress
    subscription_id: int
    picks: tuple[Pick, ...]
    unsubscribe_mailto: str = ""

    @property
    def picks_key(self) -> tuple[tuple[int, str, str], ...]:
        return tuple((pick.candidate.position, pick.region, pick.reason) for pick in self.picks)


Encoded = bytes | Hole | SiteMark


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    number: int
    subject: tuple[Piece, ...]
    html: tuple[Encoded, ...]
    text: tuple[Encoded, ...]
    sites: Mapping[int, Site]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    pieces: tuple[Encoded, ...]
    size: int
    asks_reader: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Skeleton:
    """parts[i] is filled from holes[j] for each (i, j) of slots."""

    subject: tuple[str | Expression, ...]
    parts: list[bytes]
    holes: tuple[Hole, ...]
    slots: tuple[tuple[int, int], ...]


class Splicer:
    """One edition in one language. Not thread-safe."""

    def __init__(self, renderer: EditionRenderer, letterhead: Letterhead) -> None:
        self._renderer = renderer
        self._letterhead = letterhead
        self._static = letterhead.static()
        self._frames: Variants[_Frame] = Variants()
        self._blocks: dict[tuple[int, int, int], Variants[_Block]] = {}
        self._skeletons: OrderedDict[object, _Skeleton] = OrderedDict()
        self._unshared: set[object] = set()
        self._fitted: dict[tuple[int, object], tuple[Pick, ...]] = {}

    # --- one reader -----------------------------------------------------------------------------------------------

    def message(self, copy: Copy, *, at: datetime) -> bytes:
        """The whole message; `at` becomes its Date."""
        copy = self.fitted(copy)
        skeleton = self._skeleton(copy)
        facts: Facts = {"reader": copy.reader}
        values = [_encoded_value(hole, facts) for hole in skeleton.holes]
        parts = skeleton.parts.copy()
        for index, hole in skeleton.slots:
            parts[index] = values[hole]
        return b"".join((self._headers(copy, skeleton, facts, at), *parts))

    def prepare(self, copies: Sequence[Copy]) -> None:
        """Render what these copies need and nobody needed before, in as few runs of the inliner as possible."""
        new: dict[object, Copy] = {}
        for copy in (_with_picks(copy, copy.picks) for copy in copies):
            key = (self._frame(copy).number, copy.picks_key)
            if key not in self._skeletons:
                new.setdefault((key, id(copy.reader) if key in self._unshared else 0), copy)
        self._render_missing(list(new.values()))
        self._render_missing([self.fitted(copy) for copy in new.values()])

    def fitted(self, copy: Copy) -> Copy:
        """The copy as it will be sent: the last articles become headlines where the mail would be clipped.

        `reader.has` and `reader.picks` are set here, from the picks that are left where they were.
        """
        copy = _with_picks(copy, copy.picks)
        key = (self._frame(copy).number, copy.picks_key)
        if key not in self._fitted:
            if len(self._fitted) > 50_000:
                self._fitted.clear()
            self._fitted[key] = self._fit(copy)
        return _with_picks(copy, self._fitted[key])

    def _fit(self, copy: Copy) -> tuple[Pick, ...]:
        picks = list(copy.picks)
        while True:
            fitting = _with_picks(copy, tuple(picks))
            self._render_missing([fitting])
            if self._size(fitting) <= CLIPPING_BUDGET:
                return tuple(picks)
            rows = [index for index, pick in enumerate(picks) if pick.region in (Region.ROWS, Region.CARDS)]
            if not rows:
                return tuple(picks)
            last = picks.pop(rows[-1])
            first_headline = next((i for i, p in enumerate(picks) if p.region is Region.HEADLINES), len(picks))
            picks.insert(first_headline, replace(last, region=Region.HEADLINES))

    def _size(self, copy: Copy) -> int:
        frame = self._frame(copy)
        blocks = (block for site, block, _ in self._placed(copy, frame) if site.is_html and block)
        return frame.size + sum(block.size for block in blocks)

    def variants(self) -> dict[str, int]:
        """How many renderings this template has made so far: what personal conditions in it cost."""
        return {"frames": self._frames.count, "blocks": sum(found.count for found in self._blocks.values())}

    # --- frames and blocks ----------------------------------------------------------------------------------------

    def _frame(self, copy: Copy) -> _Frame:
        facts: Facts = {"reader": copy.reader}
        found = self._frames.find(facts)
        if found is None:
            if self._frames.count >= MAX_VARIANTS:
                self._forget()
            rendered = self._renderer.frame(facts)
            found = self._frames.add(rendered.asked, self._compiled_frame(rendered))
        return found

    def _render_missing(self, copies: Sequence[Copy]) -> None:
        """One run renders a block for the first reader who misses it; whoever answers otherwise comes in the next."""
        while wanted := self._missing(copies):
            marks, holes = self._renderer.marks, self._renderer.holes
            for want, rendered in zip(wanted, self._renderer.blocks(wanted), strict=True):
                pieces = (cut_html if want.site.is_html else cut_text)(rendered.content, marks, holes)
                block = _Block(
                    pieces=tuple(_encoded(pieces)),
                    size=_size_of(pieces),
                    asks_reader=any(_is_of_reader(asked.question.expression) for asked in rendered.asked),
                )
                self._variants(want).add(rendered.asked, block)

    def _missing(self, copies: Sequence[Copy]) -> list[BlockWanted]:
        wanted: dict[object, BlockWanted] = {}
        for copy in copies:
            frame = self._frame(copy)
            for site, block, want in self._placed(copy, frame):
                if block is None:
                    trail = self._variants(want).trail(want.facts)
                    wanted.setdefault((frame.number, site.number, want.candidate.position, trail), want)
        return list(wanted.values())

    def _variants(self, want: BlockWanted) -> Variants[_Block]:
        key = (want.frame, want.site.number, want.candidate.position)
        variants = self._blocks.get(key)
        if variants is None or variants.count >= MAX_VARIANTS:
            variants = self._blocks[key] = Variants()
        return variants

    def _placed(self, copy: Copy, frame: _Frame) -> Iterator[tuple[Site, _Block | None, BlockWanted]]:
        """Every block of this copy, site by site in the order of the picks; None where it is not rendered yet."""
        regions = arrange(copy.picks)
        for site in frame.sites.values():
            for pick, place in regions.get(site.region, ()):
                facts: dict[str, object] = {"reader": copy.reader, "place": place}
                variants = self._blocks.get((frame.number, site.number, pick.candidate.position))
                block = variants.find(facts) if variants else None
                yield (
                    site,
                    block,
                    BlockWanted(frame=frame.number, site=site, candidate=pick.candidate, facts=facts),
                )

    def _compiled_frame(self, rendered: RenderedFrame) -> _Frame:
        marks, holes = self._renderer.marks, self._renderer.holes
        html = cut_html(_ended(rendered.html), marks, holes)
        return _Frame(
            number=rendered.number,
            subject=tuple(cut_text(rendered.subject, marks, holes)),
            html=tuple(_encoded(html)),
            text=tuple(_encoded(cut_text(_ended(rendered.text), marks, holes))),
            sites={site.number: site for site in rendered.sites},
            size=_size_of(html),
        )

    def _forget(self) -> None:
        """A template that makes a variant per reader must not fill the memory."""
        self._frames = Variants()
        self._blocks.clear()
        self._skeletons.clear()
        self._unshared.clear()
        self._fitted.clear()
        self._renderer.forget()

    # --- skeletons ------------------------------------------------------------------------------------------------

    def _skeleton(self, copy: Copy) -> _Skeleton:
        frame = self._frame(copy)
        key = (frame.number, copy.picks_key)
        if (found := self._skeletons.get(key)) is not None:
            self._skeletons.move_to_end(key)
            return found
        self._render_missing([copy])
        skeleton, is_shared = self._build(copy, frame)
        if not is_shared:
            self._unshared.add(key)
        else:
            self._skeletons[key] = skeleton
            if len(self._skeletons) > MAX_SKELETONS:
                self._skeletons.popitem(last=False)
        return skeleton

    def _build(self, copy: Copy, frame: _Frame) -> tuple[_Skeleton, bool]:
        """Join the pieces; what depends on the place alone is filled now. Shared unless a block asked the reader."""
        blocks: dict[int, list[tuple[_Block, Place]]] = {}
        for site, block, want in self._placed(copy, frame):
            if block is None:
                raise RenderFailed("a block that was just rendered is gone")
            place = want.facts["place"]
            assert isinstance(place, Place)
            blocks.setdefault(site.number, []).append((block, place))
        boundary = self._letterhead.boundary.encode()
        flow: list[bytes | Hole] = [b"\r\n", *_part_head(boundary, b"plain"), *_flow(frame.text, blocks)]
        flow += [b"\r\n", *_part_head(boundary, b"html"), *_flow(frame.html, blocks)]
        flow.append(b"\r\n--" + boundary + b"--\r\n")
        parts, holes, slots = _joined(flow)
        subject_parts = tuple(piece.expression if isinstance(piece, Hole) else str(piece) for piece in frame.subject)
        is_shared = not any(block.asks_reader for members in blocks.values() for block, _ in members)
        return _Skeleton(subject=subject_parts, parts=parts, holes=holes, slots=slots), is_shared

    def _headers(self, copy: Copy, skeleton: _Skeleton, facts: Facts, at: datetime) -> bytes:
        head = self._letterhead
        title = "".join(part if isinstance(part, str) else _text(part.value(facts)) for part in skeleton.subject)
        return b"".join(
            (
                date(at),
                header("To", mailbox(copy.address, copy.reader.name)),
                subject(clean_line(title)),
                header("Message-ID", message_id(head.edition_id, copy.subscription_id, head.message_domain)),
                list_unsubscribe(copy.reader.unsubscribe_url, copy.unsubscribe_mailto),
                self._static,
            )
        )


def plain_parts(html: str, text: str) -> tuple[str, str]:
    """The parts of a plain rendering as they stand in a message: each ends with a line break."""
    return _ended(html), _ended(text)


def _with_picks(copy: Copy, picks: tuple[Pick, ...]) -> Copy:
    wanted = has(picks)
    if copy.picks is picks and copy.reader.has == wanted:
        return copy
    return replace(copy, picks=picks, reader=replace(copy.reader, has=wanted))


def _ended(text: str) -> str:
    """RFC 2045 §6.7: a part must not end in a soft line break, so it ends in a hard one."""
    return text.rstrip("\n") + "\n"


def _encoded(pieces: Sequence[Piece]) -> Iterator[Encoded]:
    for piece in pieces:
        yield encode_piece(piece) if isinstance(piece, str) else piece


def _size_of(pieces: Sequence[Piece]) -> int:
    return sum(len(piece.encode()) if isinstance(piece, str) else 40 for piece in pieces)


def _flow(pieces: Sequence[Encoded], blocks: Mapping[int, Sequence[tuple[_Block, Place]]]) -> Iterator[bytes | Hole]:
    for piece in pieces:
        if not isinstance(piece, SiteMark):
            yield piece
            continue
        for block, place in blocks.get(piece.number, ()):
            for part in block.pieces:
                if isinstance(part, Hole) and not _is_of_reader(part.expression):
                    yield _encoded_value(part, {"place": place})
                elif not isinstance(part, SiteMark):
                    yield part


def _joined(
    flow: Sequence[bytes | Hole],
) -> tuple[list[bytes], tuple[Hole, ...], tuple[tuple[int, int], ...]]:
    parts: list[bytes] = []
    holes: dict[Hole, int] = {}
    slots: list[tuple[int, int]] = []
    pending: list[bytes] = []
    for piece in flow:
        if isinstance(piece, bytes):
            pending.append(piece)
            continue
        parts.append(b"".join(pending))
        pending = []
        slots.append((len(parts), holes.setdefault(piece, len(holes))))
        parts.append(b"")
    parts.append(b"".join(pending))
    return parts, tuple(holes), tuple(slots)


def _part_head(boundary: bytes, subtype: bytes) -> tuple[bytes, ...]:
    return (
        b"--" + boundary + b"\r\n",
        b"Content-Type: text/" + subtype + b"; charset=utf-8\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
    )


def _is_of_reader(expression: Expression) -> bool:
    if isinstance(expression, Path):
        return expression.root == "reader"
    return any(_is_of_reader(part) for part in expression.parts if not isinstance(part, str))


def _encoded_value(hole: Hole, facts: Facts) -> bytes:
    text = written(_text(hole.expression.value(facts)), hole.context)
    return encode_piece(text) if text else b""


def _text(value: object) -> str:
    return "" if value is None else str(value)
