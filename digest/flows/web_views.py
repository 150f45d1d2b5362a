"""An edition in a browser: made when it is approved, kept, and made anew when an article is withdrawn."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from digest import log
from digest.db.engine import reading, writing
from digest.editions.store.editions import get_public_key
from digest.editions.store.web_views import find_web_view, keep_web_view
from digest.errors import NothingLeft
from digest.flows import publish
from digest.flows.publish import Press


class WebViews:
    """For one process: whoever asks for a page that is not kept waits for the one that makes it."""

    def __init__(self, engine: Engine, press: Press) -> None:
        self._engine, self._press = engine, press
        self._guard = threading.Lock()
        self._making: dict[int, tuple[threading.Lock, int]] = {}

    def page(self, public_key: str) -> str | None:
        """None where nothing approved has that address; NothingLeft when all of its articles were withdrawn."""
        with reading(self._engine) as connection:
            found = find_web_view(connection, public_key)
        if found is None or found[2] is not None:
            return found and found[2]
        with self._one_at_a_time(found[0]):
            with reading(self._engine) as connection:
                again = find_web_view(connection, public_key)
            if again is None or again[2] is not None:
                return again and again[2]
            return self._made(again[0])

    def renew(self, edition_ids: Iterable[int]) -> None:
        """After a withdrawal, so that no visitor waits for it; what cannot be made now, the next visitor asks for."""
        for edition_id in edition_ids:
            with reading(self._engine) as connection:
                public_key = get_public_key(connection, edition_id)
            try:
                self.page(public_key)
            except NothingLeft:
                continue
            except Exception as cause:
                log.warn("web_view.not_made", edition_id=edition_id, error=type(cause).__name__)

    def _made(self, edition_id: int) -> str:
        maker = publish.open_maker(self._engine, self._press, edition_id)
        page = maker.web_view()
        with contextlib.suppress(IntegrityError), writing(self._engine) as connection:  # another process kept it first
            keep_web_view(connection, edition_id, maker.revision, page)
        return page

    @contextlib.contextmanager
    def _one_at_a_time(self, edition_id: int) -> Iterator[None]:
        with self._guard:
            lock, waiting = self._making.get(edition_id, (threading.Lock(), 0))
            self._making[edition_id] = lock, waiting + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, waiting = self._making.pop(edition_id)
                if waiting > 1:
                    self._making[edition_id] = lock, waiting - 1
