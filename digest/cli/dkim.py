"""digest dkim keygen | show"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import open_app
from digest.cli.output import show_fields, show_json

if TYPE_CHECKING:
    from digest.message.keys import Key


def keygen(
    domain: Annotated[str, typer.Argument(help="the domain of the sender: example.org")],
    selector: Annotated[str, typer.Option(help="a name for the key, new for every key: s2026")],
    ed25519: Annotated[bool, typer.Option("--ed25519", help="this kind, for use beside an RSA key")] = False,
    out: Annotated[Path | None, typer.Option(help="where the key goes; else dkim-SELECTOR.DOMAIN.pem")] = None,
) -> None:
    """Make a key, write it for you alone to read, and say what goes into DNS and into the settings.

    Example: digest dkim keygen example.org --selector s2026
    """
    from pydantic import ValidationError

    from digest.config import Dkim
    from digest.errors import BadInput
    from digest.message.keys import make_key, pem_of

    try:
        table = Dkim(domain=domain, selector=selector, key_file=out or Path())
    except ValidationError as cause:
        first = cause.errors()[0]
        raise BadInput(f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}") from cause
    file = out or Path(f"dkim-{table.selector}.{table.domain}.pem")
    key = make_key(table.domain, table.selector, ed25519=ed25519)
    _write_new(file, pem_of(key))
    print(f"The key is in {file}. Keep it: it is nowhere else.\n")
    _show_record(key)
    print("\nWhen DNS has it, put this into digest.toml:\n")
    print(
        f'[[dkim]]\ndomain = "{key.domain}"\nselector = "{key.selector}"\nkey_file = {json.dumps(str(file.absolute()))}'
    )


def show(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show the DNS records of the configured keys."""
    keys = open_app(context).dkim_keys
    if as_json:
        show_json([_described(key) for key in keys])
        return
    for number, key in enumerate(keys):
        if number:
            print()
        _show_record(key)
    if not keys:
        print("no key is configured; make one: digest dkim keygen DOMAIN --selector s2026")


def _described(key: Key) -> dict[str, object]:
    return {
        "domain": key.domain,
        "selector": key.selector,
        "algorithm": key.algorithm,
        "bits": key.bits,
        "name": key.record_name,
        "value": key.record,
        "zone": key.zone_line,
    }


def _show_record(key: Key) -> None:
    show_fields({"name": key.record_name, "type": "TXT", "value": key.record, "zone file": key.zone_line})


def _write_new(file: Path, content: bytes) -> None:
    """The file as nobody else can read it, from its first byte on; never over another."""
    from digest.errors import BadInput, Refused

    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as cause:
        raise Refused(f"{file} is there already, and no key is overwritten; say --out ANOTHER") from cause
    except OSError as cause:
        raise BadInput(f"{file} cannot be written: {cause.strerror}") from cause
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
