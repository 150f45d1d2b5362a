"""The registry of channels: what a kind offers, how it is made, and the checking of its options."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Protocol

from digest.delivery.channels import Channel, ChannelOptions, folder, smtp
from digest.errors import Fault, Invalid
from digest.model.setting import read_values, settings_of


class Kind(Protocol):
    """What a module in this folder offers."""

    Options: type[Any]

    def make_channel(self, options: Any) -> Channel: ...


KINDS: Mapping[str, Kind] = {each.Options.kind: each for each in (smtp, folder)}


def options_of(table: Mapping[str, Any]) -> ChannelOptions:
    """The checked options of a table of the settings file; Invalid names each key that is wrong.

    A key that another kind has says nothing: so the kind alone may be changed, and back.
    """
    values = dict(table)
    kind = values.pop("kind", "smtp")
    if kind not in KINDS:
        raise Invalid([Fault("kind", f"{kind!r}; there are: {', '.join(KINDS)}")])
    options = KINDS[kind].Options
    own = {each.path for each in settings_of(options)}
    others = {each.path for other in KINDS.values() for each in settings_of(other.Options)} - own
    faults = []
    for key in [key for key in values if key not in own]:
        if key not in others:
            near = difflib.get_close_matches(key, own, n=1)
            faults.append(Fault(key, "unknown key" + (f"; did you mean {near[0]}?" if near else "")))
        del values[key]
    try:
        values = read_values(options, values)
    except Invalid as cause:
        faults += cause.faults
    if faults:
        raise Invalid(faults)
    try:
        made: ChannelOptions = options(**values)
    except ValueError as cause:
        raise Invalid([Fault("", str(cause))]) from cause
    return made


def make_channel(options: ChannelOptions) -> Channel:
    return KINDS[options.kind].make_channel(options)
