"""Options of commands, made from the declarations of settings (model/setting.py); and settings as lines to read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Annotated, Any

import typer

from digest.model.setting import MAX_NUMBER, Setting, get_value


def with_options(settings: Iterable[Setting], *, is_new: bool = False) -> Callable[[Callable[..., None]], Any]:
    """Gives a command an option for each setting. Its last parameter, `given`, gets the values by path, as far as they
    were given: a text, a number or a switch.

    is_new   what a new thing cannot be without is asked for, and the defaults are shown
    """
    declared = tuple(settings)

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def called(**arguments: Any) -> None:
            given = {each.path: arguments.pop(each.name) for each in declared}
            command(**arguments, given={path: value for path, value in given.items() if value is not None})

        own = [each for each in inspect.signature(command, eval_str=True).parameters.values() if each.name != "given"]
        at = next((number for number, each in enumerate(own) if each.default is not each.empty), len(own))
        needed: list[inspect.Parameter] = []
        free: list[inspect.Parameter] = []
        for each in declared:
            (needed if is_new and each.must_be_given else free).append(_parameter(each, is_new=is_new))
        parameters = [each.replace(kind=each.KEYWORD_ONLY) for each in (*own[:at], *needed, *free, *own[at:])]
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {each.name: each.annotation for each in parameters}
        return called

    return decorated


def option_of(setting: Setting) -> str:
    """`--max-items`; of a switch the word for yes."""
    return _names(setting).partition("/")[0]


def lines_of(settings: Iterable[Setting], of: object) -> Iterator[tuple[str, str]]:
    """Each setting's name and value, with its unit; groups are told apart by their names in front."""
    for each in settings:
        value = get_value(of, each.path)
        text = ", ".join(map(each.text, value)) if each.is_list else each.text(value)
        yield " ".join(filter(None, (each.group, each.title))), f"{text} {each.unit}" if text and each.unit else text


def _names(setting: Setting) -> str:
    word = (setting.option or setting.name).replace("_", "-")
    if setting.of is not bool:
        return f"--{word}"
    yes, _, no = word.partition("/")
    return f"--{yes}/--{no or f'no-{yes}'}"


def _parameter(setting: Setting, *, is_new: bool) -> inspect.Parameter:
    kind: Any = setting.of if setting.of in (bool, int, float) and not setting.is_list else str
    bounds: dict[str, Any] = {}
    if kind in (int, float):
        bounds = {"min": setting.least if setting.least > -MAX_NUMBER else None}
        bounds["max"] = setting.most if setting.most < MAX_NUMBER else None
    must = is_new and setting.must_be_given
    default = (
        setting.text(setting.default)
        if is_new and setting.default not in (None, "", ()) and kind is not bool
        else False
    )
    option = typer.Option(_names(setting), help=setting.help, show_default=default, **bounds)
    return inspect.Parameter(
        setting.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if must else None,
        annotation=Annotated[kind if must else kind | None, option],
    )
