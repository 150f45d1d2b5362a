"""Rows whose fate others decide: refusals that may be of us (guard.py), and copies that could not be made.

Both are out of the stock until it is known whether they alone are meant: a reader is not refused, and not skipped, for
what would have happened to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from digest import log
from digest.db.engine import reading
from digest.delivery.retry import LONGEST_GAP
from digest.delivery.store import counts, results
from digest.delivery.store.results import Decision, Result
from digest.delivery.store.rows import Due
from digest.errors import said
from digest.flows.dispatch.commits import GroupCommit, Mark, Patience
from digest.flows.dispatch.guard import Guard, Suspect
from digest.flows.dispatch.stock import Held, Stock
from digest.model.delivery import Outcome, Verdict

MAX_UNRENDERABLE = 20


@dataclass(slots=True)
class Out:
    """A message that a connection has, or had."""

    held: Held
    due: Due
    channel: str
    mark: Mark


class Undecided:
    """Of one run.

    on_refused    called with a channel that refuses us, and why
    on_decided    called with a message and what became of it in the end
    on_template   called when copy after copy cannot be made, with the reason
    refusals      why each channel that refuses us does
    """

    def __init__(
        self,
        engine: Engine,
        edition_id: int,
        ledger: GroupCommit,
        stock: Stock,
        *,
        patience: Patience,
        on_refused: Callable[[str, str], None],
        on_decided: Callable[[Out, Verdict], None],
        on_template: Callable[[str], None],
    ) -> None:
        self._engine, self._edition_id = engine, edition_id
        self._ledger, self._stock, self._patience = ledger, stock, patience
        self._on_refused, self._on_decided, self._on_template = on_refused, on_decided, on_template
        self._guard: Guard[Out] = Guard()
        self._unmade: list[tuple[Held, Due, str]] = []
        self._has_made = False
        self._deciding: dict[int, Held] = {}

    @property
    def count(self) -> int:
        """How many rows are out and wait here."""
        return self._guard.count + len(self._unmade)

    @property
    def refusals(self) -> dict[str, str]:
        return self._guard.refusals

    # --- refusals -------------------------------------------------------------------------------------------------

    def suspect(self, out: Out, outcome: Outcome, result: Result) -> None:
        """Until it is decided the row is deferred in the ledger, so that a crash costs its reader nothing."""
        due, is_last = out.due, result.retry_at is None
        result.is_undecided = True
        result.retry_at = result.retry_at or result.at + LONGEST_GAP
        self._ledger.record(result)
        suspect = Suspect(
            delivery_id=due.delivery_id,
            attempts=due.attempts + 1,
            domain=due.subscriber.address.domain,
            outcome=outcome,
            is_last=is_last,
            held=out,
        )
        self._guard.add(out.channel, suspect)
        if self._guard.is_us(out.channel):
            self._give_back(out.channel)
        self._stock.quiet.set()  # if all that is out waits here, nobody else will tell

    def accepted(self, channel: str) -> None:
        """It takes others: what waited there was each reader's own."""
        if cleared := self._guard.accepted(channel):
            self._decide(cleared)

    def recorded(self, ids: Iterable[int]) -> list[Held]:
        """Whose rows may be given back, now that the decisions on them are written."""
        return [held for id_ in ids if (held := self._deciding.pop(id_, None)) is not None]

    async def decide_all(self) -> None:
        """Nothing else is out: no further answer will tell."""
        for channel in self._guard.channels:
            is_trusted = self._guard.was_accepted_in_run(channel) or await self._patience.run(self._is_trusted, channel)
            if self._guard.is_us_at_the_end(channel, is_trusted=is_trusted):
                self._give_back(channel)
            else:
                self._decide(self._guard.give_up(channel))
        self._decide_unmade()

    def _give_back(self, channel: str) -> None:
        """It is us: these readers are as if they had not been tried."""
        suspects = self._guard.refused(channel)
        log.warn("channel.refuses_us", channel=channel, deliveries=len(suspects))
        self._on_refused(channel, self.refusals[channel])
        self._decide(suspects, Verdict.UNTRIED)

    def _decide(self, suspects: Sequence[Suspect[Out]], verdict: Verdict | None = None) -> None:
        """verdict: for all of them; None: each its own, since the channel takes others."""
        decisions = []
        for each in suspects:
            is_ours = each.outcome.verdict is Verdict.DEFERRED and not each.is_last
            own = verdict or (Verdict.DEFERRED if is_ours else Verdict.REJECTED)
            still = "still refused" if each.is_last else "refused"
            reason = f"{still} at {each.outcome.stage}" + " when the time for retries was over" * each.is_last
            decisions.append(Decision(delivery_id=each.delivery_id, attempts=each.attempts, verdict=own, reason=reason))
            self._deciding[each.delivery_id] = each.held.held
            self._on_decided(each.held, own)
        if decisions:
            self._ledger.decide(decisions)

    def _is_trusted(self, channel: str) -> bool:
        """Did it accept a message of this edition in another run? Where there is one reader only, nobody can tell."""
        with reading(self._engine) as connection:
            is_alone = counts.count_rows(connection, self._edition_id) == 1
            return is_alone or results.has_accepted(connection, self._edition_id, channel)

    # --- copies that cannot be made ---------------------------------------------------------------------------------

    def unmade(self, held: Held, due: Due, cause: Exception) -> None:
        """Skipped, once another one could be made; when none can, it is the template."""
        log.warn("dispatch.unrenderable", delivery_id=due.delivery_id, error=type(cause).__name__)
        self._unmade.append((held, due, said(cause)))
        if len(self._unmade) > MAX_UNRENDERABLE:
            self._blame_the_template()
        self._stock.quiet.set()

    def made(self) -> None:
        """A copy could be made."""
        if self._unmade or not self._has_made:
            self._has_made = True
            self._decide_unmade()

    def _decide_unmade(self) -> None:
        if not self._has_made and len(self._unmade) > 1:
            self._blame_the_template()
        for held, due, why in self._unmade:
            self._stock.back(held)
            self._ledger.skip(due.delivery_id, why)
        self._unmade.clear()

    def _blame_the_template(self) -> None:
        """Nobody is skipped for it."""
        why = self._unmade[-1][2]
        for held, _, _ in self._unmade:
            self._stock.back(held)
        self._unmade.clear()
        self._on_template(f"copy after copy cannot be made: {why}")
