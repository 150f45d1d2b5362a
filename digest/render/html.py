"""Fill the templates of one edition in one language: frames, blocks, and one reader's whole mail by itself."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from jinja2 import Template, TemplateError, TemplateSyntaxError
from jinja2.runtime import Macro
from lxml import etree

from digest.errors import RenderFailed
from digest.model.address import clean_line
from digest.model.edition import Candidate, Pick, Region
from digest.model.expression import Facts
from digest.model.rendering import BlockWanted, Marks, RenderedBlock, RenderedCopy, RenderedFrame, Site
from digest.render.environment import TemplateEnvironment
from digest.render.inline import inline, lint
from digest.render.limits import MAX_DOCUMENT
from digest.render.recording import Recorder
from digest.render.views import ArticleView, EditionInputs, article_view, context
from digest.render.words import words_of

T = TypeVar("T")

SUBJECT, HTML, TEXT = "subject.txt", "body.html", "body.txt"

MAX_INLINED = 20_000

_UNSAFE_HOLE = re.compile(r"\s(?:class|style|id|width|height|align|bgcolor|dir|lang)\s*=\s*(?:\"[^\"]*|'[^']*)$")


class _Frame:
    """A rendered frame with what its blocks need: the raw HTML around them, and the bodies of its tags."""

    def __init__(self, sites: list[Site], bodies: list[Macro], raw_html: str) -> None:
        self.sites, self.bodies, self.raw_html = sites, bodies, raw_html
        self.surroundings = ""


class Renderer:
    """EditionRenderer of model/rendering.py, on Jinja2."""

    def __init__(self, inputs: EditionInputs) -> None:
        self.inputs = inputs
        self.marks = Marks(nonce=_nonce(inputs))
        self._recorder = Recorder(self.marks)
        self._environment = TemplateEnvironment(inputs.files, words_of(inputs.language, inputs.files))
        self._context = guarded(partial(context, inputs), "the edition")
        self._templates = {name: guarded(partial(self._load, name), name) for name in (SUBJECT, HTML, TEXT)}
        self._frames: list[_Frame] = []
        self._views: dict[int, ArticleView] = {}
        self._inlined: dict[tuple[str, int, str], str] = {}
        self.holes = self._recorder.holes

    # --- the fast way ---------------------------------------------------------------------------------------------

    def frame(self, facts: Facts) -> RenderedFrame:
        """Render subject, HTML and text for a reader, with a mark where the articles go."""
        while True:
            rendered = self._frame(facts)
            unsafe = self._unsafe_holes(self._frames[-1].raw_html)
            if not unsafe:
                return rendered
            self._frames.pop()
            for number in unsafe:
                self._recorder.force(number)

    def _frame(self, facts: Facts) -> RenderedFrame:
        sites: list[Site] = []
        bodies: list[Macro] = []

        def leave_mark(region: str, body: Macro, is_html: bool) -> str:
            site = Site(number=len(sites), region=Region(region), is_html=is_html)
            sites.append(site)
            bodies.append(body)
            mark = self.marks.region(site.number)
            return f"<!--{mark}-->" if is_html else mark

        values = {**self._context, "reader": self._recorder.root("reader")}
        self._recorder.begin(facts, is_html=True)
        raw_html = self._fill(HTML, values, leave_mark, self._recorder)
        self._recorder.go_on(is_html=False)
        subject = self._fill(SUBJECT, values, leave_mark, self._recorder)
        text = self._fill(TEXT, values, leave_mark, self._recorder)
        asked = self._recorder.end()
        self._check_marks(raw_html, sites, is_html=True)
        self._check_marks(text, sites, is_html=False)
        lint(raw_html, template=HTML)
        frame = _Frame(sites, bodies, raw_html)
        self._frames.append(frame)
        return RenderedFrame(
            number=len(self._frames) - 1,
            subject=clean_line(subject),
            html=inline(raw_html),
            text=text,
            sites=tuple(sites),
            asked=asked,
        )

    def blocks(self, wanted: Sequence[BlockWanted]) -> list[RenderedBlock]:
        """Render many blocks and inline all of them in one run for each frame they belong to."""
        rendered = [self._block(want) for want in wanted]
        self._inline_blocks(wanted, rendered)
        return [
            RenderedBlock(content=self._inlined[self._key(want, block)], asked=block.asked)
            if want.site.is_html
            else block
            for want, block in zip(wanted, rendered, strict=True)
        ]

    def _block(self, want: BlockWanted) -> RenderedBlock:
        while True:
            self._recorder.begin(want.facts, is_html=want.site.is_html)
            body = self._frames[want.frame].bodies[want.site.number]
            name = HTML if want.site.is_html else TEXT
            fill = partial(body, self.view(want.candidate), self._recorder.root("place"))
            content = self._running(name, partial(_printed, fill, want.site.is_html), _no_picks, self._recorder)
            unsafe = self._unsafe_holes(content) if want.site.is_html else set()
            if not unsafe:
                return RenderedBlock(content=content, asked=self._recorder.end())
            for number in unsafe:
                self._recorder.force(number)

    def _inline_blocks(self, wanted: Sequence[BlockWanted], rendered: Sequence[RenderedBlock]) -> None:
        if len(self._inlined) > MAX_INLINED:
            self._inlined.clear()
        todo: dict[tuple[str, int], list[str]] = {}
        frames: dict[tuple[str, int], _Frame] = {}
        for want, block in zip(wanted, rendered, strict=True):
            key = self._key(want, block)
            if want.site.is_html and key not in self._inlined:
                self._inlined[key] = ""
                todo.setdefault(key[:2], []).append(block.content)
                frames[key[:2]] = self._frames[want.frame]
        by_frame: dict[int, list[tuple[str, int]]] = {}
        for place, frame in frames.items():
            by_frame.setdefault(id(frame), []).append(place)
        for places in by_frame.values():
            html = frames[places[0]].raw_html
            for place in places:
                mark = f"<!--{self.marks.region(place[1])}-->"
                html = html.replace(mark, mark + mark.join(todo[place]) + mark)
            inlined = inline(html)
            for place in places:
                pieces = inlined.split(f"<!--{self.marks.region(place[1])}-->")[1:-1]
                for content, piece in zip(todo[place], pieces, strict=True):
                    self._inlined[(*place, content)] = piece

    def _key(self, want: BlockWanted, block: RenderedBlock) -> tuple[str, int, str]:
        """What the inlining of a block depends on: the style sheets, the elements around it, and itself."""
        frame = self._frames[want.frame]
        if not frame.surroundings:
            frame.surroundings = _surroundings(frame.raw_html, self.marks)
        return frame.surroundings, want.site.number, block.content

    def forget(self) -> None:
        self._frames.clear()
        self._inlined.clear()

    # --- the plain way --------------------------------------------------------------------------------------------

    def plain(self, facts: Facts, picks: Mapping[str, Sequence[tuple[Pick, object]]]) -> RenderedCopy:
        """One reader's mail by itself: real values, a loop over the picks, one inlining. Slow, and the measure."""

        def loop(region: str, body: Macro, is_html: bool) -> str:
            del is_html
            return "".join(str(body(self.view(pick.candidate), place)) for pick, place in picks.get(region, ()))

        values = {**self._context, "reader": facts["reader"]}
        html = self._fill(HTML, values, loop, None)
        lint(html, template=HTML)
        return RenderedCopy(
            subject=clean_line(self._fill(SUBJECT, values, loop, None)),
            html=inline(html),
            text=self._fill(TEXT, values, loop, None),
        )

    # --- both -----------------------------------------------------------------------------------------------------

    def _load(self, name: str) -> Template:
        if name not in self.inputs.files:
            raise RenderFailed(f"template {self.inputs.newsletter.template!r} has no {name}")
        return self._environment.get_template(name)

    def view(self, candidate: Candidate) -> ArticleView:
        if candidate.position not in self._views:
            self._views[candidate.position] = article_view(candidate, self.inputs)
        return self._views[candidate.position]

    def views(self, picks: Sequence[Pick]) -> tuple[ArticleView, ...]:
        return tuple(self.view(pick.candidate) for pick in picks)

    def _fill(
        self,
        name: str,
        values: Mapping[str, object],
        place: Callable[[str, Macro, bool], str],
        recorder: Recorder | None,
    ) -> str:
        return self._running(name, lambda: self._templates[name].render(values), place, recorder)

    def _running(
        self,
        name: str,
        work: Callable[[], str],
        place: Callable[[str, Macro, bool], str],
        recorder: Recorder | None,
    ) -> str:
        environment = self._environment
        environment.recorder, environment.place_picks = recorder, place
        environment.meter.begin()
        try:
            content = guarded(work, name)
        finally:
            environment.recorder, environment.place_picks = None, None
        if len(content) > MAX_DOCUMENT:
            raise RenderFailed(f"{name}: makes a mail of more than {MAX_DOCUMENT:,} characters")
        return content

    def _unsafe_holes(self, html: str) -> set[int]:
        """Holes in attributes that decide how a thing is inlined, or inside a style sheet."""
        unsafe: set[int] = set()
        start = 0
        for found in re.finditer(f"@@{self.marks.nonce}h([0-9]+)@@", html):
            before = html[max(start, html.rfind("<", 0, found.start())) : found.start()]
            in_style = html.rfind("<style", 0, found.start()) > html.rfind("</style", 0, found.start())
            if in_style or _UNSAFE_HOLE.search(before):
                unsafe.add(int(found.group(1)))
        return unsafe

    def _check_marks(self, content: str, sites: Sequence[Site], *, is_html: bool) -> None:
        for site in sites:
            if site.is_html == is_html and content.count(self.marks.region(site.number)) != 1:
                raise RenderFailed(
                    f'{{% picks "{site.region}" %}} stands where its articles cannot be put in: '
                    "inside {% set %}, {% filter %} or a macro that is not printed once"
                )


def _nonce(inputs: EditionInputs) -> str:
    """Letters and digits that no template and no article holds."""
    content = repr((inputs.edition, inputs.newsletter)) + "".join(inputs.files.values())
    while (nonce := "n" + secrets.token_hex(4)) in content:
        pass
    return nonce


def _printed(fill: Callable[[], Any], is_html: bool) -> str:
    value = fill()
    return str(value.__html__()) if is_html else str(value)


def _no_picks(region: str, body: Macro, is_html: bool) -> str:
    del body, is_html
    raise RenderFailed(f'{{% picks "{region}" %}} cannot stand inside another picks')


def guarded(work: Callable[[], T], name: str) -> T:
    """Whatever goes wrong inside a template is the template's: name the file and the line."""
    try:
        return work()
    except RenderFailed:
        raise
    except TemplateSyntaxError as cause:
        raise RenderFailed(f"{cause.name or name}, line {cause.lineno}: {cause.message}") from cause
    except TemplateError as cause:
        raise RenderFailed(f"{_where(cause, name)}: {cause.message or cause}") from cause
    except (RecursionError, MemoryError, OverflowError) as cause:
        raise RenderFailed(f"{_where(cause, name)}: never ends or grows without bounds ({cause})") from cause
    except Exception as cause:
        raise RenderFailed(f"{_where(cause, name)}: {type(cause).__name__}: {cause}") from cause


def _where(error: BaseException, name: str) -> str:
    """The template file and line nearest to the error; Jinja rewrites tracebacks so that they stand there."""
    place = name
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith((".html", ".txt")):
            place = f"{file}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _surroundings(html: str, marks: Marks) -> str:
    """Style sheets and, for each mark, the elements around it: equal surroundings inline a block equally."""
    tree = etree.fromstring(html, etree.HTMLParser())
    parts = [style.text or "" for style in tree.iter("style") if "data-premailer" not in style.attrib]
    for comment in tree.iter(etree.Comment):
        if marks.nonce in (comment.text or ""):
            chain = [(parent.tag, sorted(parent.attrib.items())) for parent in comment.iterancestors()]
            parts.append(repr((comment.text, chain)))
    return "\n".join(parts)
