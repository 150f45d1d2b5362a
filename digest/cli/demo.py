"""digest demo: the whole program at work, in a folder, on this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[Path, typer.Option(help="where everything goes")] = Path("demo"),
    weeks: Annotated[int, typer.Option(min=1, max=5, help="replay so many weeks with a simulated clock")] = 1,
    readers: Annotated[int, typer.Option(min=1, max=5_000)] = 200,
) -> None:
    """Make an invented newsletter, run its weekly run into a local SMTP catcher, and show the mails.

    Nothing leaves this machine. Everything is in the folder; delete it to start again.

    Example: digest demo --weeks 4
    """
    from digest.demo.run import run

    run(folder, weeks=weeks, readers=readers)
