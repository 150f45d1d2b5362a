"""Frames and blocks of one edition in one language: rendered, cut and encoded once for all who give the same answers.

A frame is a mail without its articles; a block is one article at one of its sites. Each is kept in as many variants as its
template asks questions with different answers (variants.py), and a block at a place as well: what depends on the place
alone is filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from digest.errors import RenderFailed
from digest.message.cut import Hole, Piece, SiteMark, cut_html, cut_text
from digest.message.encode import encode_piece
from digest.message.evaluate import Evaluator, Filler, evaluator, filler, is_of_reader, place_attributes
from digest.message.variants import Variants
from digest.model.edition import Pick
from digest.model.expression import Asked, Facts, Question
from digest.model.place import Place, Stand, by_region
from digest.model.rendering import BlockWanted, EditionRenderer, RenderedFrame, Site
from digest.model.subscriber import Reader

MAX_VARIANTS = 5_000
MAX_PLACES = 50_000

OF_PICK = {"reason", "subject", "switch"}
"""What a place says of its pick: it goes by the pick in any case."""

Encoded = bytes | Hole | SiteMark


@dataclass(slots=True, kw_only=True)
class Block:
    """One article at one site, as those get it who give the same answers."""

    pieces: tuple[Encoded, ...]
    size: int
    asks_reader: bool


@dataclass(slots=True)
class Standing:
    """A block at a place: what depends on the place alone is filled in, what is left asks the reader.

    size       bytes of its HTML, encoded
    is_fixed   the block itself is the same for all readers
    """

    parts: list[bytes | Filler]
    size: int
    is_fixed: bool


Row = dict[Pick, bytes | Standing]
"""What stands at a place: bytes, where nothing is left open."""


@dataclass(slots=True, kw_only=True)
class FrameSite:
    """A site of a frame.

    rows       what stands at each of the places of a region, by pick; only blocks that ask no reader. Places that are the
               same to all blocks of the site share a row
    sizes      of the HTML of what is bytes in a row, encoded; 0 in the text part. longest: of them
    is_open    something at this site is not bytes
    uses       what of the place any block of the site looks at
    """

    site: Site
    blocks: dict[int, Variants[Block]] = field(default_factory=dict)
    rows: dict[Stand, tuple[Row, ...]] = field(default_factory=dict)
    alike: dict[tuple[object, ...], Row] = field(default_factory=dict)
    sizes: dict[bytes, int] = field(default_factory=dict)
    longest: int = 0
    is_open: bool = False
    uses: set[str] = field(default_factory=set)
    kept: int = 0

    def at(self, stand: Stand) -> tuple[Row, ...]:
        """The rows of these places, to be added to."""
        if (found := self.rows.get(stand)) is None:
            if self.kept > MAX_PLACES:
                self.forget()
            self.kept += len(stand.places)
            names = sorted(self.uses - OF_PICK)
            found = self.rows[stand] = tuple(
                self.alike.setdefault(tuple(getattr(place, name) for name in names), {}) for place in stand.places
            )
        return found

    def use(self, names: set[str]) -> None:
        if not names <= self.uses:
            self.uses |= names
            self.forget()

    def forget(self) -> None:
        self.rows.clear()
        self.alike.clear()
        self.sizes.clear()
        self.kept = 0


@dataclass(slots=True)
class Stretch:
    """A piece of a frame between two sites: its parts, those of them that are holes, and the site that follows."""

    parts: list[bytes] = field(default_factory=list)
    slots: list[tuple[int, Filler]] = field(default_factory=list)
    site: FrameSite | None = None


@dataclass(slots=True, kw_only=True)
class Frame:
    """A mail without its articles. `flow`: text part, then HTML part, encoded."""

    number: int
    subject: tuple[str | Evaluator, ...]
    flow: list[Stretch]
    sites: tuple[FrameSite, ...]
    size: int
    flows: dict[tuple[str, ...], list[Stretch]] = field(default_factory=dict)

    def flow_of(self, regions: Iterable[str]) -> list[Stretch]:
        """The frame for copies that have picks in these regions alone: the others' sites hold nothing."""
        key = tuple(regions)
        if (found := self.flows.get(key)) is None:
            found = self.flows[key] = _without_empty(self.flow, key)
        return found


@dataclass(frozen=True, slots=True)
class Cause:
    """What a template asks its readers: everybody who answers alike shares a rendering.

    question      "reader.plan == 'pro'"
    template, line   where it is asked first
    answers       how many different ones came
    """

    question: str
    template: str
    line: int
    answers: int


class Frames:
    """Of one edition in one language.

    on_forget   called when all frames were forgotten, and with them whatever was made of them
    """

    def __init__(self, renderer: EditionRenderer, boundary: bytes, *, on_forget: Callable[[], None]) -> None:
        self._renderer, self._boundary, self._on_forget = renderer, boundary, on_forget
        self._frames: Variants[Frame] = Variants()
        self.blocks_made = 0

    @property
    def count(self) -> int:
        return self._frames.count

    @property
    def most(self) -> int:
        """The most renderings of one thing: of the frame, or of one article at one site."""
        return max(self.count, max((tree.count for tree in self._blocks()), default=0))

    def _blocks(self) -> Iterator[Variants[Block]]:
        for frame in self._frames.values():
            for site in frame.sites:
                yield from site.blocks.values()

    def causes(self) -> list[Cause]:
        """What the template asks readers, the question with the most answers first."""
        answers: dict[Question, tuple[Asked, set[Hashable]]] = {}
        trees: list[Variants[Any]] = [self._frames, *self._blocks()]
        for tree in trees:
            for asked, got in tree.asked():
                if is_of_reader(asked.question.expression):
                    answers.setdefault(asked.question, (asked, set()))[1].update(got)
        causes = [Cause(str(asked.question), asked.template, asked.line, len(got)) for asked, got in answers.values()]
        return sorted(causes, key=lambda cause: -cause.answers)

    def frame(self, facts: Facts) -> Frame:
        found = self._frames.find(facts)
        if found is None:
            if self._frames.count >= MAX_VARIANTS:
                self._forget()
            rendered = self._renderer.frame(facts)
            found = self._frames.add(rendered.asked, self._compiled_frame(rendered))
        return found

    def standings(
        self, frame: Frame, site: FrameSite, stand: Stand, picks: Sequence[Pick], facts: Facts
    ) -> list[bytes | Standing]:
        """What stands at these places for this reader; what nobody needed before is rendered."""
        rows = site.at(stand)
        new = {index: pick for index, pick in enumerate(picks) if pick not in rows[index]}
        wanted = {index: _wanted(frame, site, pick, stand.places[index], facts) for index, pick in new.items()}
        missing = [(site, want) for want in wanted.values() if self._block(site, want) is None]
        if missing:
            self._render(missing)
            if any(self._block(site, want) is None for _, want in missing):
                raise RenderFailed("a block that was just rendered is gone")
            # rendering may forget what stood there: all of it is looked at again
            return self.standings(frame, site, stand, picks, facts)
        found: list[bytes | Standing] = []
        for index, pick in enumerate(picks):
            if index not in wanted:
                found.append(rows[index][pick])
            elif (block := self._block(site, wanted[index])) is not None:
                found.append(self._placed(site, block, stand, index, pick))
        return found

    @staticmethod
    def _placed(site: FrameSite, block: Block, stand: Stand, index: int, pick: Pick) -> bytes | Standing:
        """The block at this place; kept for all who need it there, unless it asked the reader."""
        parts = list(_settled(block.pieces, stand.places[index].of(pick)))
        size, row = block.size if site.site.is_html else 0, site.at(stand)[index]
        if not block.asks_reader and len(parts) == 1 and isinstance(parts[0], bytes):
            row[pick] = parts[0]
            site.sizes[parts[0]] = size
            site.longest = max(site.longest, size)
            return parts[0]
        site.is_open = True
        standing = Standing(parts, size, not block.asks_reader)
        if standing.is_fixed:
            row[pick] = standing
        return standing

    def _block(self, site: FrameSite, want: BlockWanted) -> Block | None:
        variants = site.blocks.get(want.candidate.position)
        return variants.find(want.facts) if variants else None

    def render_missing(self, copies: Sequence[tuple[Reader, tuple[Pick, ...]]]) -> None:
        """One run renders a block for the first reader who misses it; whoever answers otherwise comes in the next."""
        while wanted := self._missing(copies):
            self._render(wanted)

    def _missing(self, copies: Sequence[tuple[Reader, tuple[Pick, ...]]]) -> list[tuple[FrameSite, BlockWanted]]:
        wanted: dict[object, tuple[FrameSite, BlockWanted]] = {}
        for reader, picks in copies:
            facts: Facts = {"reader": reader}
            frame, regions = self.frame(facts), by_region(picks)
            for site in frame.sites:
                if (placed := regions.get(site.site.region)) is None:
                    continue
                stand, members = placed
                for index, pick in enumerate(members):
                    if pick in site.at(stand)[index]:
                        continue
                    want = _wanted(frame, site, pick, stand.places[index], facts)
                    position, block = pick.candidate.position, self._block(site, want)
                    if block is not None and not block.asks_reader:
                        self._placed(site, block, stand, index, pick)
                    elif block is None:
                        variants = site.blocks.setdefault(position, Variants())
                        trail = variants.trail(want.facts)
                        wanted.setdefault((frame.number, site.site.number, position, trail), (site, want))
        return list(wanted.values())

    def _render(self, wanted: Sequence[tuple[FrameSite, BlockWanted]]) -> None:
        marks, holes = self._renderer.marks, self._renderer.holes
        for (site, want), rendered in zip(wanted, self._renderer.blocks([each for _, each in wanted]), strict=True):
            pieces = (cut_html if want.site.is_html else cut_text)(rendered.content, marks, holes)
            encoded = tuple(_encoded(pieces))
            block = Block(
                pieces=encoded,
                size=_size_of(encoded),
                asks_reader=any(is_of_reader(asked.question.expression) for asked in rendered.asked),
            )
            expressions = [asked.question.expression for asked in rendered.asked]
            expressions += [piece.expression for piece in pieces if isinstance(piece, Hole)]
            site.use({name for expression in expressions for name in place_attributes(expression)})
            variants = site.blocks.get(want.candidate.position)
            if variants is None or variants.count >= MAX_VARIANTS:
                variants = site.blocks[want.candidate.position] = Variants()
            before = variants.count
            variants.add(rendered.asked, block)
            self.blocks_made += variants.count - before

    def _compiled_frame(self, rendered: RenderedFrame) -> Frame:
        marks, holes = self._renderer.marks, self._renderer.holes
        sites = {site.number: FrameSite(site=site) for site in rendered.sites}
        fillers: dict[Hole, Filler] = {}

        def compiled(pieces: Sequence[Piece]) -> Iterator[bytes | Filler | FrameSite]:
            for piece in _encoded(pieces):
                if isinstance(piece, SiteMark):
                    yield sites[piece.number]
                elif isinstance(piece, Hole):
                    if piece not in fillers:
                        fillers[piece] = filler(piece)
                    yield fillers[piece]
                else:
                    yield piece

        html = cut_html(ended(rendered.html), marks, holes)
        flow: list[bytes | Filler | FrameSite] = [b"\r\n", _part_head(self._boundary, b"plain")]
        flow += compiled(cut_text(ended(rendered.text), marks, holes))
        flow += [b"\r\n", _part_head(self._boundary, b"html"), *compiled(html), b"\r\n--" + self._boundary + b"--\r\n"]
        return Frame(
            number=rendered.number,
            subject=tuple(
                evaluator(piece.expression) if isinstance(piece, Hole) else str(piece)
                for piece in cut_text(rendered.subject, marks, holes)
            ),
            flow=_stretches(flow),
            sites=tuple(sites.values()),
            size=_size_of(tuple(_encoded(html))),
        )

    def _forget(self) -> None:
        """A template that makes a variant per reader must not fill the memory."""
        self._frames = Variants()
        self._on_forget()
        self._renderer.forget()


def _wanted(frame: Frame, site: FrameSite, pick: Pick, place: Place, facts: Facts) -> BlockWanted:
    facts = {**facts, "place": place.of(pick)}
    return BlockWanted(frame=frame.number, site=site.site, candidate=pick.candidate, facts=facts)


def _stretches(flow: Sequence[bytes | Filler | FrameSite]) -> list[Stretch]:
    """Bytes that follow each other are joined; each site ends a stretch."""
    found = [Stretch()]
    pending: list[bytes] = []
    for piece in (*flow, b""):
        if isinstance(piece, bytes):
            pending.append(piece)
            continue
        stretch = found[-1]
        stretch.parts.append(b"".join(pending))
        pending = []
        if isinstance(piece, FrameSite):
            stretch.site = piece
            found.append(Stretch())
        else:
            stretch.slots.append((len(stretch.parts), piece))
            stretch.parts.append(b"")
    found[-1].parts.append(b"".join(pending))
    return found


def _without_empty(flow: Sequence[Stretch], regions: Sequence[str]) -> list[Stretch]:
    pieces: list[bytes | Filler | FrameSite] = []
    for stretch in flow:
        fillers = dict(stretch.slots)
        pieces += [fillers.get(index, part) for index, part in enumerate(stretch.parts)]
        if stretch.site is not None and stretch.site.site.region in regions:
            pieces.append(stretch.site)
    return _stretches(pieces)


def _settled(pieces: Sequence[Encoded], place: Place) -> Iterator[bytes | Filler]:
    """The pieces of a block at a place, joined; only what asks the reader stays open."""
    pending: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            pending.append(piece)
        elif isinstance(piece, Hole) and not is_of_reader(piece.expression):
            pending.append(filler(piece)({"place": place}))
        elif isinstance(piece, Hole):
            if pending:
                yield b"".join(pending)
                pending = []
            yield filler(piece, place)
    if pending:
        yield b"".join(pending)


def ended(text: str) -> str:
    """RFC 2045 §6.7: a part must not end in a soft line break, so it ends in a hard one."""
    return text.rstrip("\n") + "\n"


def _encoded(pieces: Sequence[Piece]) -> Iterator[Encoded]:
    for piece in pieces:
        yield encode_piece(piece) if isinstance(piece, str) else piece


HOLE = 120
"""Bytes that a reader's value is taken to have, encoded: most are a name or a link."""


def _size_of(pieces: Sequence[Encoded]) -> int:
    """On the wire: quoted-printable makes three bytes of each that is not ASCII."""
    return sum(len(piece) if isinstance(piece, bytes) else HOLE for piece in pieces)


def _part_head(boundary: bytes, subtype: bytes) -> bytes:
    return (
        b"--" + boundary + b"\r\nContent-Type: text/" + subtype + b"; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
