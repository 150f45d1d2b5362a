"""Group commit: one transaction carries the marks and the outcomes of all connections that wait.

Durability costs a message little that way: while one transaction is being written, the next one fills. A transaction
that fails because the database is gone, locked or full is tried again for a while; outcomes wait in memory, so that
what a server said is not forgotten because the ledger was away when it said it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError

from digest import log
from digest.clock import Clock
from digest.db.engine import Writer
from digest.delivery.store import results
from digest.delivery.store import rows as delivery_store
from digest.delivery.store.results import Decision, Result
from digest.delivery.store.rows import Due
from digest.editions.store import editions as edition_store
from digest.editions.store import transitions
from digest.model.actor import SENDER
from digest.model.delivery import Outcome, Stage, Verdict
from digest.model.edition import EditionStatus

GATHER_S = 0.004
"""How long a transaction waits for company, at most: about as long as writing one takes."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Mark:
    """A row on its way to `attempting`.

    made_at    the second that stands in the message's Date
    revision   of the edition, when the copy was made
    is_set     None until the ledger has answered
    """

    due: Due
    made_at: datetime
    revision: int
    is_set: bool | None = None
    waiter: asyncio.Future[bool] | None = None

    def answer(self, is_set: bool) -> None:
        self.is_set = is_set
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(is_set)

    async def wait(self) -> bool:
        if self.is_set is None:
            self.waiter = asyncio.get_running_loop().create_future()
            return await self.waiter
        return self.is_set


@dataclass(slots=True)
class _Group:
    """What goes into one transaction.

    skips       (delivery id, reason) of copies that cannot be made
    decisions   on results that were recorded before
    """

    marks: list[Mark] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    skips: list[tuple[int, str]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.marks) + len(self.results) + len(self.skips) + len(self.decisions)


class Patience:
    """Tries a piece of work with the database again while the database is away.

    Taken for away: a lost connection, a lock that does not end, a full disk. Everything else is raised at once.
    """

    def __init__(self, patience_s: float) -> None:
        self.patience_s = patience_s
        self.is_away = False

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `work`, called in a thread; the last DBAPIError when patience is over."""
        started, gap = time.monotonic(), 0.05
        while True:
            try:
                result = await asyncio.to_thread(work, *args, **kwargs)
            except DBAPIError as cause:
                if not is_away(cause) or time.monotonic() - started + gap > self.patience_s:
                    raise
                if not self.is_away:
                    log.warn("ledger.away", error=type(cause).__name__)
                self.is_away = True
                await asyncio.sleep(gap)
                gap = min(gap * 2, 1.0)
            else:
                self.is_away = False
                return result


def is_away(error: DBAPIError) -> bool:
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError | InternalError)


class GroupCommit:
    """The ledger as a sender writes to it.

    owner         whose leases the marked rows must be under
    on_recorded   called with the ids of deliveries whose result is on the disk, in the event loop
    on_decided    the same for decisions, which may be in the same transaction as the result, or in a later one
    on_failed     called when the ledger cannot be written: results are not recorded, so whoever waits for them must hear it
    failure       set then; nothing more is accepted
    told          so many answers are known, and stand in the log alone
    goes          False once a mark was refused because the edition is not being sent any more
    revision      the edition's, when a mark was refused last: what is made from another is refused
    """

    def __init__(
        self,
        engine: Engine,
        edition_id: int,
        clock: Clock,
        owner: str,
        *,
        patience: Patience,
        on_recorded: Callable[[Iterable[int]], None],
        on_decided: Callable[[Iterable[int]], None],
        on_failed: Callable[[], None],
    ) -> None:
        self._writer, self._edition_id, self._clock, self._owner = Writer(engine), edition_id, clock, owner
        self._patience, self._on_failed = patience, on_failed
        self._on_recorded, self._on_decided = on_recorded, on_decided
        # SQLite answers within the time that handing over to a thread and back costs (docs/DECISIONS.md "group commit")
        self._is_inline = engine.dialect.name == "sqlite"
        self._group = _Group()
        self._in_flight = 0
        self._wanted = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closing = False
        self.failure: BaseException | None = None
        self.told = 0
        self.goes = True
        self.revision: int | None = None

    def mark(self, due: Due, *, made_at: datetime, revision: int) -> Mark:
        mark = Mark(due, made_at.replace(microsecond=0), revision)
        self._in_flight += 1
        self._group.marks.append(mark)
        self._call()
        return mark

    def record(self, result: Result) -> None:
        self._in_flight -= 1
        self._group.results.append(result)
        self._call()

    def forget(self) -> None:
        """A message whose mark was refused is in flight no more."""
        self._in_flight -= 1

    def skip(self, delivery_id: int, reason: str) -> None:
        self._group.skips.append((delivery_id, reason))
        self._call()

    def decide(self, decisions: Iterable[Decision]) -> None:
        self._group.decisions += decisions
        self._call()

    def _call(self) -> None:
        """At once when half of what is in flight waits here: the rest cannot come before this is written."""
        if 2 * len(self._group) >= self._in_flight or self._is_closing:
            self._wanted.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._wanted.set)

    async def run(self) -> None:
        """One transaction after another, until `close`."""
        while self._group or not self._is_closing:
            await self._wanted.wait()
            self._wanted.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            group, self._group = self._group, _Group()
            if group and self.failure is None:
                await self._write(group)
            elif group:
                for mark in group.marks:
                    mark.answer(False)
                self._tell(group.results)
        self._writer.close()  # not when this task is cancelled: a thread may be writing yet

    def close(self) -> None:
        self._is_closing = True
        self._wanted.set()

    async def _write(self, group: _Group) -> None:
        try:
            try:
                if self._is_inline:
                    marked = self._commit(group)
                else:
                    marked = await asyncio.to_thread(self._commit, group)
            except DBAPIError as cause:
                if not is_away(cause):
                    raise
                marked = set()
                await self._patience.run(self._commit, self._without_marks(group))
        except DBAPIError as cause:
            self.failure = cause.orig or cause
            for mark in (*group.marks, *self._group.marks):
                mark.answer(False)
            self._tell(group.results)
            self._on_failed()
            return
        for mark in group.marks:
            mark.answer(mark.due.delivery_id in marked)
        self._on_recorded([result.delivery_id for result in group.results])
        if group.decisions:
            self._on_decided([decision.delivery_id for decision in group.decisions])

    def _tell(self, results: Iterable[Result]) -> None:
        """What servers said and the ledger could not keep: whoever settles it afterwards finds it in the log."""
        for result in results:
            if result.outcome.verdict is not Verdict.UNTRIED:
                self.told += 1
                log.warn(
                    "delivery.not_recorded",
                    edition_id=self._edition_id,
                    delivery_id=result.delivery_id,
                    verdict=result.outcome.verdict,
                    code=result.outcome.code,
                )

    def _without_marks(self, group: _Group) -> _Group:
        """What is left to write when a commit failed: whether its marks were written nobody knows, so they are taken
        back, and their messages do not go out. Who waits for one hears it after that is written: before, its batch could be
        given back with a row in it that looks as if a dead sender had left it."""
        nothing = Outcome(verdict=Verdict.UNTRIED, stage=Stage.LOCAL)
        now = self._clock.now()
        taken_back = []
        for mark in group.marks:
            due = mark.due
            taken_back.append(
                Result(delivery_id=due.delivery_id, attempts=due.attempts, outcome=nothing, channel="", at=now)
            )
        return _Group(results=[*group.results, *taken_back], skips=group.skips, decisions=group.decisions)

    def _commit(self, group: _Group) -> set[int]:
        """The rows that are marked now. Marks come before results: a result may be that of a mark in this group."""
        marked: set[int] = set()
        with self._writer.writing() as connection:
            if group.marks:
                now = self._clock.now()
                alike: dict[tuple[datetime, int], list[int]] = {}
                for mark in group.marks:
                    alike.setdefault((mark.made_at, mark.revision), []).append(mark.due.delivery_id)
                for (made_at, revision), ids in alike.items():
                    marked |= delivery_store.mark_attempting(
                        connection,
                        self._edition_id,
                        ids,
                        owner=self._owner,
                        now=now,
                        made_at=made_at,
                        revision=revision,
                    )
                if len(marked) < len(group.marks):
                    refused = [mark.due.delivery_id for mark in group.marks if mark.due.delivery_id not in marked]
                    delivery_store.skip_unwanted(connection, refused, now=now)
                    status, self.revision = edition_store.find_state(connection, self._edition_id)
                    self.goes = status is EditionStatus.SENDING
            if results.record_results(connection, group.results):
                now = self._clock.now()
                transitions.move(connection, self._edition_id, "reopen", actor=SENDER, now=now, finished_at=None)
            if group.decisions:
                results.decide(connection, group.decisions)
            for delivery_id, reason in group.skips:
                delivery_store.record_unrenderable(connection, delivery_id, reason)
        return marked
