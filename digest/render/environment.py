"""Jinja2 as digests use it: autoescape, StrictUndefined, the sandbox, and values that record what is asked of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial
from itertools import islice
from types import FunctionType, MethodType
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, TemplateNotFound, nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef
from jinja2.exceptions import SecurityError
from jinja2.ext import loopcontrols
from jinja2.runtime import Macro
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import _PassArg

from digest.model.expression import Step
from digest.model.place import Place
from digest.model.subscriber import Has, Reader
from digest.render import limits
from digest.render.blocks import Picks
from digest.render.compiled import Compiled
from digest.render.limits import CALL, MAX_RANGE, MAX_TEXT, Meter, fitting, growth_of_operator
from digest.render.recording import Recorder, Recording, holds_recording, look_up, settled
from digest.render.sandbox import Literal, Method, Space, is_function, may_call, may_hold, methods_of
from digest.words import Words

DEFERRED = frozenset({"default", "d", "title", "upper", "lower", "capitalize", "trim", "truncate", "urlencode"})
"""Filters that can wait for the reader: from one text to another, by rules of their own."""

_FORMAT = 'format is for a text that stands in the template itself, "...".format(...); else use ~ or the filter format'


_COMPILED = Compiled()


class TemplateEnvironment(SandboxedEnvironment):
    """One environment per edition and language: the recorder and the picks of the moment hang on it."""

    intercepted_binops = frozenset({"+", "%", "*", "**"})

    def __init__(self, files: Mapping[str, str], words: Words) -> None:
        super().__init__(
            loader=SqueezingLoader(files),
            autoescape=lambda name: name is None or name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
            bytecode_cache=_COMPILED,
            extensions=[loopcontrols, Picks],
            finalize=self._printed,
        )
        self.meter = Meter()
        self.recorder: Recorder | None = None
        self.place_picks: Callable[[str, Macro, bool], str] | None = None
        self.globals.pop("lipsum", None)
        self.globals |= {"range": _short_range, "namespace": Space}
        self.globals |= {"_": words.gettext, "ngettext": words.ngettext, "pgettext": words.pgettext}
        picks = self.extensions[Picks.identifier]
        assert isinstance(picks, Picks)
        self._functions = (*self.globals.values(), picks.place)
        for registry in (self.filters, self.tests):
            for name, function in list(registry.items()):
                registry[name] = self._watched(name, function, is_filter=registry is self.filters)

    # --- what generated code calls --------------------------------------------------------------------------------

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Recording):
            found = obj.attribute_(attribute)
            return self.getattr(obj.value_(), attribute) if found is None else found
        if isinstance(obj, Reader | Place | Has):
            return look_up(obj, attribute)
        if attribute.startswith("_"):
            return self.unsafe_undefined(obj, attribute)
        if attribute in methods_of(obj):
            return Method(obj, attribute)
        if attribute in ("format", "format_map") and isinstance(obj, str):
            return self.undefined(_FORMAT, name=attribute, obj=obj, exc=SecurityError)
        found = self._held(obj, attribute)
        return found if may_hold(obj, found) else self.unsafe_undefined(obj, attribute)

    def _held(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, str | list | tuple | dict) or not hasattr(obj, attribute):
            try:
                return obj[attribute]
            except (TypeError, LookupError):
                return self.undefined(obj=obj, name=attribute)
        return getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        argument = settled(argument)
        if isinstance(obj, Recording):
            found = obj.attribute_(argument) if isinstance(argument, str) else None
            return self.getitem(obj.value_(), argument) if found is None else found
        if isinstance(obj, Reader | Place | Has):
            return look_up(obj, str(argument))
        if isinstance(obj, Method | type):
            return self.unsafe_undefined(obj, str(argument))
        try:
            found = obj[argument]
        except (TypeError, LookupError, AttributeError):
            if isinstance(argument, str):
                return self.getattr(obj, argument)
            return self.undefined(obj=obj, name=argument)
        return self.made(found)

    def made(self, value: Any) -> Any:
        """What a template puts together itself, such as a list, which may hold another twice."""
        self.meter.weigh(value)
        return value

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """A method, a macro, a global; with names that no keyword of a template's can have."""
        __self.meter.turn(CALL)
        called = settled(__obj)
        if isinstance(called, Method | Literal):
            kwargs = {name: value for name, value in kwargs.items() if name not in ("_loop_vars", "_block_vars")}
            args, kwargs = settled(__self._recorded(args)), settled(__self._recorded(kwargs))
            __self.made([*args, kwargs])
            return __self.made(called.run(args, kwargs))
        if may_call(called):
            return __self.captured(__context.call(called, *args, **kwargs))
        if isinstance(called, FunctionType | MethodType | type) and called in __self._functions:
            return __context.call(called, *args, **kwargs)
        raise SecurityError(f"a {type(called).__name__} is nothing that a template may call")

    def formatter(self, text: str) -> Literal:
        """`"...".format` where the text stands in the template itself."""
        return Literal(text)

    def concat_values(self, values: tuple[Any, ...], fallback: Callable[[Any], str], autoescape: bool) -> Any:
        self.made(values)
        recorded = self.recorder.concat(values, autoescape=autoescape) if self.recorder else None
        return fallback(values) if recorded is None else recorded

    def captured(self, value: Any) -> Any:
        return self.recorder.captured(value) if self.recorder else value

    def told(self, value: Any) -> Any:
        """What a call block prints."""
        return value.told_() if isinstance(value, Recording) else value

    def eager(self, by: int) -> None:
        if self.recorder:
            self.recorder.eager(by)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        left, right = settled(left), settled(right)
        self.meter.spend(fitting(growth_of_operator(operator, left, right)))
        return super().call_binop(context, operator, left, right)

    def watched_macro(self, macro: Macro) -> Macro:
        macro.__class__ = _WatchedMacro
        return macro

    def _printed(self, value: Any) -> Any:
        if isinstance(value, str):
            self.meter.spend(len(value))
            return value
        if value is None:
            return ""
        if is_function(value):
            raise SecurityError(f"a {type(value).__name__} cannot be printed; is it to be called, with ()?")
        self.meter.weigh(value)
        return value

    def _recorded(self, value: Any) -> Any:
        """Texts that hold holes, as recordings."""
        if isinstance(value, tuple):
            return tuple(map(self.captured, value))
        return {name: self.captured(each) for name, each in value.items()}

    def _watched(self, name: str, function: Callable[..., Any], *, is_filter: bool) -> Callable[..., Any]:
        """The same filter or test, aware of recordings among its arguments."""
        skip = 1 if _PassArg.from_obj(function) else 0

        growth = limits.FILTERS.get(name) if is_filter else None

        def measured(*args: Any, **kwargs: Any) -> Any:
            self.meter.turn()
            for each in (*args[skip:], *kwargs.values()):
                self.meter.weigh(each)
            if growth is not None:
                fitting(growth(*args[skip:], **kwargs))
            found = function(*args, **kwargs)
            if isinstance(found, Iterator):  # one that is used twice is empty the second time, and has no size before
                found = list(islice(found, MAX_TEXT))
            return self.made(found)

        def watched(*args: Any, **kwargs: Any) -> Any:
            recorder = self.recorder
            if recorder is None or not holds_recording([*args[skip:], kwargs], recorder.marks.nonce):
                return measured(*args, **kwargs)
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
            return self.captured(measured(*before, *map(settled, values), **settled(kwargs)))

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
            node.body.insert(0, nodes.ExprStmt(nodes.EnvironmentAttribute("meter")).set_lineno(node.lineno))
            super().visit_For(node, frame)

        def visit_ExprStmt(self, node: nodes.ExprStmt, frame: Frame) -> None:
            if isinstance(node.node, nodes.EnvironmentAttribute):  # of visit_For
                self.writeline("environment.meter.turn()", node)
            else:
                super().visit_ExprStmt(node, frame)

        def visit_Include(self, node: nodes.Include, frame: Frame) -> None:
            self.writeline(f"environment.meter.turn({CALL})", node)
            super().visit_Include(node, frame)

        def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
            if size := sum(len(each.data) for each in node.nodes if isinstance(each, nodes.TemplateData)):
                self.writeline(f"environment.meter.spend({size})", node)
            super().visit_Output(node, frame)

        def visit_List(self, node: nodes.List, frame: Frame) -> None:
            self._made(super().visit_List, node, frame)

        def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
            self._made(super().visit_Dict, node, frame)

        def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:
            if node.ctx == "load":
                self._made(super().visit_Tuple, node, frame)
            else:
                super().visit_Tuple(node, frame)

        def _made(self, visit: Callable[..., None], node: nodes.Expr, frame: Frame) -> None:
            self.write("environment.made(")
            visit(node, frame)
            self.write(")")

        def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
            if node.attr == "format" and isinstance(node.node, nodes.Const) and isinstance(node.node.value, str):
                self.write("environment.formatter(")
                self.visit(node.node, frame)
                self.write(")")
            else:
                super().visit_Getattr(node, frame)

        def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
            if isinstance(node.arg, nodes.Slice):
                self._visit_slice(node.node, node.arg, frame)
            else:
                super().visit_Getitem(node, frame)

        def _visit_slice(self, node: nodes.Expr, part: nodes.Slice, frame: Frame) -> None:
            """Jinja writes Python's own, which asks nobody."""
            self.write("environment.getitem(")
            self.visit(node, frame)
            self.write(", slice(")
            for end in (part.start, part.stop, part.step):
                self.visit(end or nodes.Const(None), frame)
                self.write(", ")
            self.write("))")

        def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
            if forward_caller:  # a call block, which is printed as it is
                self.write("environment.told(")
            super().visit_Call(node, frame, forward_caller=forward_caller)
            if forward_caller:
                self.write(")")

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
