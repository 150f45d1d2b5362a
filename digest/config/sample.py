"""config.example.toml, made from the declarations: every key, its default and what it is for."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import BaseModel

from digest.config.faults import is_list_of_tables, model_of
from digest.config.settings import Settings
from digest.delivery.channels.kinds import KINDS
from digest.model.setting import settings_of


def example() -> str:
    """The text of config.example.toml."""
    lines = [
        "# The settings of digest, with their defaults. Copy to digest.toml and change what you need.",
        "# Looked for in --config FILE, then $DIGEST_CONFIG, then ./digest.toml.",
        "# Every value can come from the environment: DIGEST_DATABASE__URL, DIGEST_WEB__PORT, ...",
        "",
    ]
    for name in Settings.model_fields:
        model = model_of(name)
        lines += [*(_table(name, model) if model else _channels()), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(name: str, model: type[BaseModel]) -> Iterator[str]:
    header = f"[[{name}]]" if is_list_of_tables(name) else f"[{name}]"
    must_be_filled = any(key.is_required() for key in model.model_fields.values())
    yield from (f"# {line}" for line in str(model.__doc__).strip().splitlines())
    yield f"# {header}" if must_be_filled else header
    for key, field in model.model_fields.items():
        if field.description:
            yield f"# {field.description}"
        if field.is_required():
            yield f'# {key} = "{(field.examples or [""])[0]}"'
            continue
        value = field.default
        file = f"/run/secrets/{key.removesuffix('_file')}" if key.endswith("_file") else f"my-{model.__name__.lower()}"
        yield f'# {key} = "{file}"' if value is None else f"{key} = {_toml(value)}"


def _channels() -> Iterator[str]:
    """A table for each kind; the first can be used as it is."""
    yield "# A way out. Several are tried in their order: the next takes over when one fails."
    for number, kind in enumerate(KINDS):
        off = "# " if number else ""
        if number:
            yield from ("", f"# The other kind, {json.dumps(kind)}, {_what(kind)}.")
        yield f"{off}[[channels]]"
        if not number:
            yield f"# {'; '.join(f'{json.dumps(name)} {_what(name)}' for name in KINDS)}"
        yield f'{off}kind = "{kind}"'
        for each in settings_of(KINDS[kind].Options):
            if each.help and not number:
                yield f"# {each.help}"
            if each.default is None:
                yield f'# {each.name} = "/run/secrets/{each.name.removesuffix("_file")}"'
            else:
                yield f"{off}{each.name} = {_toml(each.default)}" + (f"  # {each.help}" if each.help and number else "")


def _what(kind: str) -> str:
    return str(KINDS[kind].Options.__doc__).splitlines()[0].rstrip(".")


def keys_of(table: str) -> list[str]:
    """The keys of a table; for channels those of all kinds."""
    if model := model_of(table):
        return list(model.model_fields)
    return ["kind", *dict.fromkeys(each.path for kind in KINDS.values() for each in settings_of(kind.Options))]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_toml(each)}' for key, each in value.items()) + "}"
    return str(value) if isinstance(value, int | float) else f'"{value}"'
