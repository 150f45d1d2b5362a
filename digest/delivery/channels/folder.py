"""A way out that leaves every message as an .eml file in a folder, for looking. Nothing is sent to anybody."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from digest.delivery.channels import ChannelOptions, Desk
from digest.errors import ChannelUnavailable
from digest.model.delivery import ChannelHealth, Outcome, Stage, Verdict
from digest.model.envelope import Outgoing
from digest.model.setting import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ChannelOptions):
    """writes .eml files, for looking."""

    kind: ClassVar[str] = "folder"
    name: Annotated[str, Setting(help="letters, digits, hyphens; must be unique", is_needed=True)] = "folder"
    path: Annotated[str, Setting(help="where the files go; made if it is not there", is_needed=True)] = "outbox"


def make_channel(options: Options) -> FolderChannel:
    return FolderChannel(options)


class FolderChannel:
    def __init__(self, options: Options) -> None:
        self.name = options.name
        self.connections = 1
        self._folder = Path(options.path)

    async def converse(self, desk: Desk) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise ChannelUnavailable(
                f"channel {self.name}: the folder {self._folder} cannot be made: {cause}"
            ) from cause
        while (outgoing := await desk.take()) is not None:
            if not await desk.may_send(outgoing):
                continue
            try:
                self._write(outgoing)
            except OSError as cause:  # a full disk is no reader's fault: the row goes back to what it was
                text = f"channel {self.name}: {cause.filename or self._folder} cannot be written: {cause.strerror}"
                untried = Outcome(verdict=Verdict.UNTRIED, stage=Stage.LOCAL, text=text, health=ChannelHealth.REST)
                desk.settle(outgoing, untried)
                raise ChannelUnavailable(text) from cause
            desk.settle(outgoing, Outcome(verdict=Verdict.ACCEPTED, stage=Stage.BODY, code=250))

    def _write(self, outgoing: Outgoing) -> None:
        target = self._folder / f"{_name(outgoing)}.eml"
        draft = target.with_suffix(".part")
        with draft.open("wb") as file:
            file.writelines(outgoing.parts)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)


def _name(outgoing: Outgoing) -> str:
    """After the ledger's row, so that a resend is the same file; a test copy has none, so after its address."""
    if outgoing.notice:
        return f"notice-{outgoing.notice:09d}"
    if outgoing.delivery_id:
        return f"{outgoing.delivery_id:09d}"
    return "test-" + "".join(c if c.isalnum() or c in "@.+-_" else "_" for c in outgoing.envelope.rcpt_to)[:120]
