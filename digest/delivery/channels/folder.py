"""A way out that leaves every message as an .eml file in a folder, for looking. Nothing is sent to anybody."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from digest.delivery.channels import Desk
from digest.errors import ChannelUnavailable
from digest.model.delivery import Outcome, Stage, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One folder. `path` is made if it is not there."""

    name: str = "folder"
    path: str = "outbox"


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
            target = self._folder / f"{outgoing.delivery_id:09d}.eml"
            draft = target.with_suffix(".part")
            try:
                with draft.open("wb") as file:
                    file.write(outgoing.content)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(target)
            except OSError as cause:
                await desk.settle(outgoing, Outcome(verdict=Verdict.DEFERRED, stage=Stage.LOCAL, text=str(cause)))
                continue
            await desk.settle(outgoing, Outcome(verdict=Verdict.ACCEPTED, stage=Stage.BODY, code=250))
