"""What a sender holds: leased batches, and their rows that are ready to go."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from digest import log
from digest.clock import Clock
from digest.db.engine import reading, writing
from digest.delivery.store import batches
from digest.delivery.store import rows as delivery_store
from digest.delivery.store.rows import Due
from digest.editions.store import editions as edition_store
from digest.flows.dispatch.commits import Patience
from digest.model.delivery import BatchId
from digest.model.edition import EditionStatus

HOLD = timedelta(seconds=60)
"""How long a lease lasts; a sender that lives extends it long before."""

LOW = 400
"""When so few rows are ready the next batch is fetched, so that no connection ever waits for it."""


@dataclass(slots=True)
class Held:
    """A leased batch. `ready`: rows that nobody took yet; `out`: rows that a connection has."""

    batch_id: BatchId
    ready: int
    out: int = 0
    is_lost: bool = False


class Stock:
    """Leases batches ahead and gives them back. Rows come out in the order in which they were planned.

    prepare         called with the rows of a new batch, before any of them is taken
    choose          called in a thread with the rows of a new batch: those that may go now
    resends         the newsletter's policy for deliveries that a dead sender left: send again, or leave
    """

    def __init__(
        self,
        engine: Engine,
        edition_id: int,
        clock: Clock,
        owner: str,
        *,
        patience: Patience,
        prepare: Callable[[Sequence[Due]], None],
        choose: Callable[[Sequence[Due]], list[Due]],
        resends: bool,
    ) -> None:
        self._engine, self._edition_id, self._clock, self._owner = engine, edition_id, clock, owner
        self._patience, self._prepare, self._choose, self._resends = patience, prepare, choose, resends
        self._ready: deque[tuple[Held, Due]] = deque()
        self._held: dict[int, Held] = {}
        self._leaving: set[int] = set()  # being given back, which takes a while when the database is away
        self._fetching: asyncio.Task[bool] | None = None
        self._is_exhausted = False
        self.quiet = asyncio.Event()
        self.is_closed = False
        self.failure: BaseException | None = None

    # --- rows -----------------------------------------------------------------------------------------------------

    def pop(self) -> tuple[Held, Due] | None:
        """The next row; starts to fetch more before there is none."""
        if len(self._ready) < LOW and not self._is_exhausted and not self.is_closed and self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
        while self._ready:
            held, due = self._ready.popleft()
            held.ready -= 1
            if not held.is_lost:
                held.out += 1
                return held, due
        return None

    async def more(self) -> bool:
        """Wait for rows; False when there are none to be had now."""
        while not self._ready and not self.is_closed:
            if self._fetching is not None:
                await asyncio.shield(self._fetching)
            elif self._is_exhausted:
                return False
            else:
                self._fetching = asyncio.create_task(self._fetch())
        return bool(self._ready)

    def back(self, held: Held) -> None:
        """A row that was out is settled, or was refused its mark."""
        held.out -= 1
        if not held.out:
            self.quiet.set()

    @property
    def has_ready(self) -> bool:
        return bool(self._ready)

    @property
    def out(self) -> int:
        return sum(held.out for held in self._held.values())

    # --- batches --------------------------------------------------------------------------------------------------

    async def _fetch(self) -> bool:
        try:
            await self.release_done()
            found = await self._patience.run(self._lease)
            if found is None:
                self._is_exhausted = True
                return False
            held, rows = found
            self._held[held.batch_id] = held
            self._prepare(rows)
            self._ready.extend((held, due) for due in rows)
            return True
        except DBAPIError as cause:
            self._fail(cause)
            return False
        finally:
            self._fetching = None
            self.quiet.set()

    def _lease(self) -> tuple[Held, list[Due]] | None:
        now = self._clock.now()
        with writing(self._engine) as connection:
            if edition_store.find_status(connection, self._edition_id) is not EditionStatus.SENDING:
                return None
            batch_id = batches.lease(
                connection, self._edition_id, owner=self._owner, now=now, hold=HOLD, held=[*self._held, *self._leaving]
            )
            if batch_id is None:
                return None
            interrupted = batches.settle_interrupted(connection, batch_id, resends=self._resends, now=now)
            if interrupted:
                log.warn("dispatch.unknown", edition_id=self._edition_id, batch_id=batch_id, deliveries=interrupted)
        with reading(self._engine) as connection:  # the lease is ours: no lock is needed to read its rows
            rows = delivery_store.list_due(connection, batch_id, now=now)
        rows = self._choose(rows)
        return Held(batch_id, len(rows)), rows

    async def look_again(self) -> bool:
        """Rows that came back untried can be taken again once their batch was given back. True: there is more."""
        await self.release_done()
        while self._fetching is not None:  # it may have looked before that was written
            await asyncio.shield(self._fetching)
        self._is_exhausted = False
        return await self.more()

    async def release_done(self) -> None:
        """Give back the batches of which nothing is left or out."""
        await self._release([held for held in self._held.values() if not held.ready and not held.out])

    async def release_all(self) -> None:
        self.is_closed = True
        if self._fetching is not None:
            await asyncio.gather(self._fetching, return_exceptions=True)
        await self._release(list(self._held.values()))

    async def _release(self, leaving: Sequence[Held]) -> None:
        ids = [held.batch_id for held in leaving]
        self._leaving.update(ids)  # first: a lease is taken in another thread, and must find them in one or the other
        for id_ in ids:
            del self._held[id_]
        if ids:
            try:
                await self._patience.run(self._write_release, ids)
            except DBAPIError as cause:
                self._fail(cause)
            finally:
                self._leaving.difference_update(ids)

    def _write_release(self, batch_ids: Sequence[int]) -> None:
        with writing(self._engine) as connection:
            batches.release(connection, batch_ids, owner=self._owner, now=self._clock.now())

    async def look_at_leases(self) -> None:
        """After a mark was refused: if that was because its batch has another owner now, all of it is left alone."""
        try:
            await self._patience.run(self.extend)
        except DBAPIError as cause:
            self._fail(cause)

    def _fail(self, cause: DBAPIError) -> None:
        self.failure = self.failure or cause.orig or cause
        self._is_exhausted = self.is_closed = True
        self.quiet.set()

    def extend(self) -> None:
        """Keep the leases. Called in a thread."""
        now = self._clock.now()
        with writing(self._engine) as connection:
            for held in list(self._held.values()):
                if not batches.extend(connection, held.batch_id, owner=self._owner, now=now, hold=HOLD):
                    held.is_lost = True
                    log.warn("dispatch.lease_lost", batch_id=held.batch_id)
