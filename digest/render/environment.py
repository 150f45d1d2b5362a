"""Jinja2 as digests use it: autoescape, StrictUndefined, the sandbox, and values that record what is asked of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, TemplateNotFound, nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef
from jinja2.ext import loopcontrols
from jinja2.runtime import Macro
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import _PassArg

from digest.model.expression import Step
from digest.model.place import Place
from digest.model.subscriber import Has, Reader
from digest.render.blocks import Picks
from digest.render.recording import Recorder, Recording, holds_recording, look_up, settled

DEFERRED = frozenset({"default", "d", "title", "upper", "lower", "capitalize", "trim", "truncate", "urlencode"})
"""Filters that can wait for the reader: from one text to another, by rules of their own."""

MAX_RANGE = 10_000
MAX_TURNS = 200_000
MAX_FACTOR = 100_000


class TemplateEnvironment(SandboxedEnvironment):
    """One environment per edition and language: the recorder and the picks of the moment hang on it."""

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(
            loader=SqueezingLoader(files),
            autoescape=lambda name: name is None or name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
            extensions=[loopcontrols, Picks],
            finalize=lambda value: "" if value is None else value,
        )
        self.recorder: Recorder | None = None
        self.ticks = 0
        self.place_picks: Callable[[str, Macro, bool], str] | None = None
        self.globals.pop("lipsum", None)
        self.globals["range"] = _short_range
        for registry in (self.filters, self.tests):
            for name, function in list(registry.items()):
                registry[name] = self._watched(name, function, is_filter=registry is self.filters)

    # --- what generated code calls --------------------------------------------------------------------------------

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Recording):
            return obj.attribute_(attribute)
        if isinstance(obj, Reader | Place | Has):
            return look_up(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Recording):
            argument = settled(argument)
            if isinstance(argument, str):
                return obj.attribute_(argument)
            return obj.value_()[argument]
        if isinstance(obj, Reader | Place | Has):
            return look_up(obj, str(argument))
        return super().getitem(obj, settled(argument))

    def concat_values(self, values: tuple[Any, ...], fallback: Callable[[Any], str], autoescape: bool) -> Any:
        recorded = self.recorder.concat(values, autoescape=autoescape) if self.recorder else None
        return fallback(values) if recorded is None else recorded

    def captured(self, value: Any) -> Any:
        return self.recorder.captured(value) if self.recorder else value

    def eager(self, by: int) -> None:
        if self.recorder:
            self.recorder.eager(by)

    def tick(self) -> str:
        """Called on every turn of every loop: an endless template must end."""
        self.ticks += 1
        if self.ticks > MAX_TURNS:
            raise OverflowError(f"more than {MAX_TURNS:,} turns of its loops")
        return ""

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        left, right = settled(left), settled(right)
        if any(isinstance(value, int) and abs(value) > MAX_FACTOR for value in (left, right)):
            raise OverflowError(f"{operator} by a number over {MAX_FACTOR:,}")
        return super().call_binop(context, operator, left, right)

    def watched_macro(self, macro: Macro) -> Macro:
        macro.__class__ = _WatchedMacro
        return macro

    def _watched(self, name: str, function: Callable[..., Any], *, is_filter: bool) -> Callable[..., Any]:
        """The same filter or test, aware of recordings among its arguments."""
        skip = 1 if _PassArg.from_obj(function) else 0

        def watched(*args: Any, **kwargs: Any) -> Any:
            recorder = self.recorder
            if recorder is None or not holds_recording([*args[skip:], kwargs], recorder.marks.nonce):
                return function(*args, **kwargs)
            before, values = args[:skip], list(map(recorder.captured, args[skip:]))
            subject, rest = values[0], (*values[1:], *sorted(kwargs.items()))
            if (
                isinstance(subject, Recording)
                and not holds_recording(list(rest), recorder.marks.nonce)
                and _constant(rest)
            ):
                call = partial(_apply, function, before, tuple(values[1:]), kwargs)
                shown = f"|{name}" if is_filter else f" is {name}"
                step = Step(shown + "({})" * bool(rest), rest, call)
                if is_filter and name in DEFERRED:
                    return subject.then_(step)
                if not is_filter:
                    return recorder.ask(subject.expression_, step)
            return self.captured(function(*before, *map(settled, values), **settled(kwargs)))

        watched.__dict__.update(getattr(function, "__dict__", {}))
        return watched

    class _Code(CodeGenerator):
        """Jinja's compiler, with hooks where a text leaves the place in which it was printed."""

        def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
            self.write("environment.concat_values((")
            for part in node.nodes:
                self.visit(part, frame)
                self.write(", ")
            self.write("), (markup_join if context.eval_ctx.autoescape else str_join), context.eval_ctx.autoescape)")

        def visit_For(self, node: nodes.For, frame: Frame) -> None:
            tick = nodes.Call(nodes.EnvironmentAttribute("tick"), [], [], None, None)
            node.body.insert(0, nodes.ExprStmt(tick).set_lineno(node.lineno))
            super().visit_For(node, frame)

        def visit_AssignBlock(self, node: nodes.AssignBlock, frame: Frame) -> None:
            self.writeline("environment.eager(1)")
            super().visit_AssignBlock(node, frame)
            self.writeline("environment.eager(-1)")

        def visit_FilterBlock(self, node: nodes.FilterBlock, frame: Frame) -> None:
            self.writeline("environment.eager(1)")
            super().visit_FilterBlock(node, frame)
            self.writeline("environment.eager(-1)")

        def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:
            self.write("environment.watched_macro(")
            super().macro_def(macro_ref, frame)
            self.write(")")

    code_generator_class = _Code


class _WatchedMacro(Macro):
    def _invoke(self, arguments: list[Any], autoescape: bool) -> Any:
        environment: Any = self._environment
        return environment.captured(super()._invoke(arguments, autoescape))


class SqueezingLoader(BaseLoader):
    """Templates from memory; HTML loses the white space at line starts before it is a template.

    Squeezing the source and not the result keeps the two ways of rendering equal (promise P8): a hole that is empty
    for one reader would otherwise make a blank line that only the plain way can see.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def get_source(self, environment: Any, template: str) -> tuple[str, str, Callable[[], bool]]:
        del environment
        if template not in self.files:
            raise TemplateNotFound(template)
        source = self.files[template]
        if template.endswith(".html"):
            # blank out, not remove: line numbers in error messages stay true
            source = re.sub(r"(?m)^[ \t]+", "", source)
        return source, template, lambda: True


def _constant(values: tuple[object, ...]) -> bool:
    return all(isinstance(value, Hashable) and not hasattr(value, "__html__") for value in values)


def _apply(
    function: Callable[..., Any],
    before: tuple[Any, ...],
    after: tuple[Any, ...],
    kwargs: dict[str, Any],
    value: object,
) -> Any:
    return function(*before, value, *after, **kwargs)


def _short_range(*args: int) -> range:
    """`range` for templates: a slip of a template must not hang a send."""
    numbers = range(*map(settled, args))
    if len(numbers) > MAX_RANGE:
        raise OverflowError(f"range of {len(numbers)} is over {MAX_RANGE}")
    return numbers
