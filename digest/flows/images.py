"""Pictures of an edition -> copies of our own in the sizes that a mail shows. A picture that fails stays at its address.

All of them together have `timeout_s`; what is not there by then stays where it is, so a slow server holds up no edition.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine

from digest import isolation, log
from digest.db.engine import reading, writing
from digest.editions.store import contents
from digest.editions.store import editions as edition_store
from digest.errors import DigestError
from digest.model.article import Image
from digest.model.edition import Candidate
from digest.model.newsletter import Sponsor
from digest.sources import image_folder
from digest.sources.fetch import Fetcher
from digest.sources.fetched import Fetched
from digest.sources.resize import LOGO, SIZES, WIDE, resized

AT_ONCE = 8
Sizes = Mapping[str, tuple[int, int]]


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
    """Let a draft's articles and its sponsor refer to copies; a line for each picture that stays, and why."""
    with reading(engine) as connection:
        edition = edition_store.get_edition(connection, edition_id)
    waiting = [each for each in edition.candidates if each.article.image and not each.article.image.lead]
    wanted = {each.article.image.src: SIZES for each in waiting if each.article.image}
    if edition.sponsor is not None:
        for url, sizes in ((edition.sponsor.logo, LOGO), (edition.sponsor.image, WIDE)):
            if url and not url.startswith(desk.base_url):
                wanted[url] = {**wanted.get(url, {}), **sizes}
    copies: dict[str, Mapping[str, str]] = {}
    lines = []
    for url, found in _copied(desk, wanted):
        if isinstance(found, str):
            lines.append(f"the picture {url} stays where it is: it {found}")
        else:
            copies[url] = found
    with writing(engine) as connection:
        contents.replace_articles(connection, edition_id, list(_with_copies(waiting, copies)))
        if edition.sponsor is not None and {edition.sponsor.logo, edition.sponsor.image} & set(copies):
            edition_store.change_text(connection, edition_id, sponsor=_sponsor_with_copies(edition.sponsor, copies))
    if wanted:
        log.event("images.copied", edition_id=edition_id, copied=len(copies), left=len(lines))
    return lines


def _sponsor_with_copies(sponsor: Sponsor, copies: Mapping[str, Mapping[str, str]]) -> Sponsor:
    logo = copies.get(sponsor.logo, {}).get("logo", sponsor.logo)
    return replace(sponsor, logo=logo, image=copies.get(sponsor.image, {}).get("wide", sponsor.image))


def _with_copies(candidates: Sequence[Candidate], copies: Mapping[str, Mapping[str, str]]) -> Iterator[Candidate]:
    for each in candidates:
        image = each.article.image
        if image is not None and image.src in copies:
            names = {size: copies[image.src][size] for size in SIZES}
            yield replace(each, article=replace(each.article, image=Image(src=image.src, alt=image.alt, **names)))


def _copied(desk: ImageDesk, wanted: Mapping[str, Sizes]) -> Iterator[tuple[str, Mapping[str, str] | str]]:
    """Each address with its copies, or with why there are none; fetched by several threads, resized one by one."""
    deadline = time.monotonic() + desk.timeout_s
    fetcher = replace(desk.fetcher, timeout_s=min(desk.fetcher.timeout_s, desk.timeout_s))
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="images")
    try:
        asked = {pool.submit(fetcher.get, url): url for url in wanted}
        try:
            for done in as_completed(asked, timeout=desk.timeout_s):
                url = asked.pop(done)
                yield url, _copy(desk, url, wanted[url], done) if time.monotonic() < deadline else "came too late"
        except TimeoutError:
            pass
        for url in asked.values():
            yield url, f"did not come within the {desk.timeout_s:g} seconds that all have together"
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _copy(desk: ImageDesk, url: str, sizes: Sizes, done: Future[Fetched]) -> dict[str, str] | str:
    try:
        copies = isolation.call(resized, done.result().body, dict(sizes))
        return {size: desk.base_url + image_folder.put(desk.folder, copy) for size, copy in copies.items()}
    except DigestError as cause:
        return f"cannot be fetched: {str(cause).removeprefix(f'{url}: ')}"
    except (ValueError, isolation.Stumbled) as cause:
        return str(cause)
    except OSError as cause:
        return f"cannot be written to {desk.folder}: {cause.strerror}"
