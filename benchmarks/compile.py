"""Compiling an edition of 40 articles: python -m benchmarks.compile

From the frozen template to the first message, in a process that has compiled one before (the style sheet's rules are
kept): what each further edition or language costs. Beside it one run of premailer over the same mail.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from premailer import transform

from benchmarks.site import NOW, make_site, open_maker, sqlite_url
from digest import log
from digest.model.address import EmailAddress
from digest.model.subscriber import Recipient, Subscriber, SubscriberId

READER = Recipient(
    subscription_id=1,
    subscriber=Subscriber(id=SubscriberId(1), address=EmailAddress("reader", "example.org"), name="Mira Example"),
    joined_at=NOW,
)


def main() -> None:
    log.configure(level="warning")
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as folder:
        engine, edition_id = make_site(sqlite_url(Path(folder) / "site.sqlite"), 10)
        first, *later = [_compile(engine, edition_id) for _ in range(8)]
        html = open_maker(engine, edition_id).plain(READER).html
        started = time.perf_counter()
        transform(html, allow_network=False, disable_validation=True, cssutils_logging_level=50)
        once = (time.perf_counter() - started) * 1000
        engine.dispose()
    middle = statistics.median(later)
    print(f"compile, 40 articles: {middle:.0f} ms ({first:.0f} ms the first time); goal 150 ms")
    print(
        f"premailer over one such mail: {once:.0f} ms; compiling is {middle / once:.1f} of it, for any number of readers"
    )


def _compile(engine: object, edition_id: int) -> float:
    maker = open_maker(engine, edition_id)  # type: ignore[arg-type]
    started = time.perf_counter()
    maker.prepare([READER])
    maker.message(READER, at=NOW)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
