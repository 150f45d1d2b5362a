"""Pictures of an edition -> copies of our own in the sizes that a mail shows. A picture that fails stays at its address.

All of them together have `timeout_s`; what is not there by then stays where it is, so a slow server holds up no edition.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine

from digest import log
from digest.db.engine import reading, writing
from digest.editions import store
from digest.errors import DigestError
from digest.model.article import Image
from digest.model.edition import Candidate
from digest.sources import image_folder
from digest.sources.fetch import Fetched, Fetcher
from digest.sources.resize import resized

AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDesk:
    """Where copies go and how they come.

    base_url   what stands before a name: https://digest.example.org/i/
    """

    folder: Path
    base_url: str
    fetcher: Fetcher
    timeout_s: float = 60.0


def copy_images(engine: Engine, desk: ImageDesk, edition_id: int) -> list[str]:
    """Let a draft's articles refer to copies; a line for each picture that stays at its address, and why."""
    with reading(engine) as connection:
        candidates = store.get_edition(connection, edition_id).candidates
    waiting = [each for each in candidates if each.article.image and not each.article.image.lead]
    urls = list(dict.fromkeys(each.article.image.src for each in waiting if each.article.image))
    copies: dict[str, Image] = {}
    lines = []
    for url, found in _copied(desk, urls):
        if isinstance(found, Image):
            copies[url] = found
        else:
            lines.append(f"the picture {url} stays where it is: it {found}")
    with writing(engine) as connection:
        store.replace_articles(connection, edition_id, list(_with_copies(waiting, copies)))
    if urls:
        log.event("images.copied", edition_id=edition_id, copied=len(copies), left=len(lines))
    return lines


def _with_copies(candidates: Sequence[Candidate], copies: dict[str, Image]) -> Iterator[Candidate]:
    for each in candidates:
        image = each.article.image
        if image is not None and image.src in copies:
            yield replace(each, article=replace(each.article, image=replace(copies[image.src], alt=image.alt)))


def _copied(desk: ImageDesk, urls: Sequence[str]) -> Iterator[tuple[str, Image | str]]:
    """Each address with its copies, or with why there are none; fetched by several threads, resized one by one."""
    deadline = time.monotonic() + desk.timeout_s
    fetcher = replace(desk.fetcher, timeout_s=min(desk.fetcher.timeout_s, desk.timeout_s))
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="images")
    try:
        asked = {pool.submit(fetcher.get, url): url for url in urls}
        try:
            for done in as_completed(asked, timeout=desk.timeout_s):
                url = asked.pop(done)
                yield url, _copy(desk, url, done) if time.monotonic() < deadline else "came too late"
        except TimeoutError:
            pass
        for url in asked.values():
            yield url, f"did not come within the {desk.timeout_s:g} seconds that all have together"
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _copy(desk: ImageDesk, url: str, done: Future[Fetched]) -> Image | str:
    try:
        copies = resized(done.result().body)
        names = {size: desk.base_url + image_folder.put(desk.folder, copy) for size, copy in copies.items()}
    except DigestError as cause:
        return f"cannot be fetched: {str(cause).removeprefix(f'{url}: ')}"
    except ValueError as cause:
        return str(cause)
    except OSError as cause:
        return f"cannot be written to {desk.folder}: {cause.strerror}"
    return Image(src=url, **names)
