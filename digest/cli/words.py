"""What an error says at the shell: the option that is wrong, and the command or option that helps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from digest.errors import DigestError, Fault, Invalid, Next, Step

_STEPS: dict[Step, str] = {
    Step.UPGRADE_DATABASE: "run: digest db upgrade",
    Step.MAKE_CONFIG: "make one: digest config example > {path}",
    Step.SHOW_CONFIG_EXAMPLE: "see: digest config example",
    Step.ADD_NEWSLETTER: "add one: digest newsletter add NAME --title ... --sender ...",
    Step.CHANGE_NEWSLETTER: "digest newsletter change {newsletter} --{field} {value}",
    Step.LIST_EDITIONS: "see: digest edition list",
    Step.SHOW_EDITION: "see: digest edition show {edition}",
    Step.APPROVE_EDITION: "approve it first: digest edition approve {edition}",
    Step.RESUME_EDITION: "go on with: digest edition resume {edition}",
    Step.PREVIEW_EDITION: "see: digest edition preview {edition}",
    Step.EXPLAIN: "see: digest explain {edition} {address}",
    Step.LIST_EVENTS: "see: digest event list NEWSLETTER",
    Step.LIST_NOTICES: "digest notice list says why",
    Step.LIST_SUBSCRIBERS: "see: digest subscriber list",
    Step.SYNC_READERS: "digest subscriber sync {source} --newsletter {newsletter} --dry-run, then --yes",
    Step.LIST_ARTICLES: "see: digest article list",
    Step.LIST_HELD: "see: digest article held",
    Step.RELEASE_HELD: "digest article held --source {source}, then release or discard",
    Step.ADD_SOURCE: "add one: digest source add NAME feed -o url=https://example.org/feed.xml",
    Step.GIVE_NEW_ADDRESS: "give it another address: digest source change {source} -o url=... --on; or leave it off",
    Step.COLLECT: "mend it, then: digest collect {source}",
    Step.END_SPONSOR: "end it: digest sponsor end {newsletter} {sponsor!r}",
    Step.MAKE_DKIM_KEY: "make one: digest dkim keygen --help",
    Step.SAY_ENCODING: "say which encoding it is: --encoding {encoding}",
    Step.SAY_WHO_WANTS_MAIL: (
        "say it for each: --subscribed {answer} if they want it, --left {answer} if they do not; "
        "or, if the column is about something else, --attribute {column}"
    ),
}


def step(what: Next) -> str:
    """The step as somebody at a shell does it."""
    of = dict(what.of)
    if "field" in of:
        of["field"] = str(of["field"]).rpartition(".")[2].replace("_", "-")
    return _STEPS[what.step].format(**of)


def sentence(error: DigestError) -> str:
    """What went wrong, where, and the next step behind it. One line each where the error has several."""
    text = f"{error.where}: {error}" if error.where else str(error)
    return f"{text}; {step(error.next)}" if error.next else text


def advice(text: str, following: Next | None) -> str:
    """What to do: in words, by a command, or both."""
    return "; ".join([*([text] if text else []), *([step(following)] if following else [])])


def name_options(command: Any) -> Callable[..., Any]:
    """The command's function; an error that leaves it and names a field tells the option that the field was given by."""
    call = command.callback

    def called(*args: Any, **values: Any) -> Any:
        try:
            return call(*args, **values)
        except Invalid as error:
            raise Invalid(Fault(option_of(command, each.field), each.text) for each in error.faults) from error
        except DigestError as error:
            if error.field and not error.where:
                error.where = option_of(command, error.field)
            raise

    return called


def option_of(command: Any, field: str) -> str:
    """`--max-items` for "max_items"; `TITLE` for an argument; the field itself where this command has no such parameter."""
    name = field.rpartition(".")[2]
    for each in command.params:
        if each.name == name:
            return max(each.opts, key=len) if each.param_type_name == "option" else name.upper()
    return field
