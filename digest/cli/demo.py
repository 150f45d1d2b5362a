"""digest demo: the whole program at work, in a folder, on this machine alone."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.output import progress


def demo(
    folder: Annotated[Path, typer.Option(help="where everything goes")] = Path("demo"),
    weeks: Annotated[int, typer.Option(min=1, max=5, help="replay so many weeks with a simulated clock")] = 1,
    readers: Annotated[int, typer.Option(min=1, max=5_000)] = 200,
) -> None:
    """Make an invented newsletter, run its weekly run into a local SMTP catcher, and show the mails.

    Nothing leaves this machine. Everything is in the folder; delete it to start again.

    Example: digest demo --weeks 4
    """
    from digest import log
    from digest.demo.run import run

    log.configure(level="warning")
    report = run(folder, weeks=weeks, count=readers, progress=progress, say=print)
    if report.accepted:
        print(f"{report.accepted:,} mails in {report.seconds:.1f} s")
    else:
        print("nothing was sent: every reader has the mails of these weeks already")
    command = "digest" if shutil.which("digest") else sys.argv[0]
    print(f"\nLook at them in a browser:  {report.page.resolve().as_uri()}")
    print(f"Each mail as a file:        {report.page.parent}/mails/")
    print(f"Go on by hand:              {command} --config {report.settings} edition list")
    print(f"Try the links in a mail:    {command} --config {report.settings} serve")
