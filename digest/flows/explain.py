"""Why a reader got an edition or not, why each article was in it, what the server said, and the same bytes again (P10)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from digest.audience.links import Links
from digest.audience.store import subscribers as subscriber_store
from digest.db.engine import reading
from digest.delivery.store import counts
from digest.delivery.store import plan as plan_rows
from digest.delivery.store import readers as planned_readers
from digest.delivery.store import rows as delivery_store
from digest.delivery.store.rows import Delivery
from digest.editions.periods import is_offered
from digest.editions.picks import reasons_of, unpack
from digest.editions.select import Decision, Rule, Selector
from digest.editions.store import contents
from digest.editions.store import editions as edition_store
from digest.errors import Next, NotFound, Refused, Step
from digest.flows.copies import CopyMaker
from digest.flows.dispatch.planning import OwnPlanner, frozen_newsletter
from digest.model.choices import Choices, Kind, choices_from_json
from digest.model.delivery import Attempt, DeliveryStatus
from digest.model.edition import Edition, Reason
from digest.model.newsletter import Cadence, Newsletter
from digest.model.subscriber import Recipient, Subscriber, Subscription, SubscriptionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One reader and one edition.

    delivery    the ledger row; None: plan wrote none
    why         in a sentence: what became of it, or will
    arrives_at  when the copy may go; None where there is none
    choices     as they were when the edition was planned; changed_since: they are others now
    decisions   every candidate with the rule that decided, the picks first, in their order; none where nothing was decided
                for this reader: another cadence, a draft, a pause
    attempts    finished tries that were not accepted
    """

    address: str
    edition: Edition
    newsletter: str
    delivery: Delivery | None
    why: str
    arrives_at: datetime | None
    choices: Choices
    changed_since: bool
    decisions: tuple[Decision, ...]
    attempts: tuple[Attempt, ...]


def explain(engine: Engine, edition_id: int, address: str, *, now: datetime) -> Explanation:
    """NotFound when there is no such edition or reader."""
    with reading(engine) as connection:
        edition = edition_store.get_edition(connection, edition_id)
        newsletter = frozen_newsletter(connection, edition)
        person, subscription = _reader(connection, newsletter, address)
        row = delivery_store.find_delivery(connection, edition_id, subscription.id)
        planned_at = edition.planned_at or now
        was = subscriber_store.find_wanted_before(connection, subscription.id, at=planned_at)
        preferences = was["preferences"] if was else None
        reader = planned_readers.read_reader(connection, subscription.id)
        if preferences is not None:
            reader = replace(reader, preferences=json.dumps(preferences), hour=was["hour"] if was else None)
        decisions: Sequence[Decision] = ()
        arrives_at = None
        if newsletter.offer.is_any and edition.corrects_id is None:
            planner = OwnPlanner(connection, edition, newsletter)
            past, _ = planner.past(connection, subscription.id, before_id=row.id if row else None)
            decisions = planner.selector.explain(planner.wish(reader.preferences), past, planner.new_to(reader))
            arrives_at = planner.arrives_at(reader)
            if row is not None and row.picks is not None:
                decisions = _as_recorded(planner.selector, decisions, row.picks)
        elif row is not None:
            decisions = tuple(
                Decision(candidate=each, rule=Rule.PICKED, reason=Reason(kind=Kind.NEW, subject=each.section))
                for each in edition.candidates
            )
        decisions = _without_withdrawn(decisions, contents.list_withdrawn(connection, edition_id), row)
        decisions = tuple(_what_happened(decisions, row))
        attempts = tuple(counts.list_attempts(connection, edition_id, subscription.id))
        return Explanation(
            address=str(person.address),
            edition=edition,
            newsletter=newsletter.name,
            delivery=row,
            why=_why(edition, newsletter, subscription, was, row),
            arrives_at=arrives_at if row is None or row.status != "skipped" else None,
            choices=choices_from_json(json.loads(reader.preferences)),
            changed_since=was is not None,
            decisions=decisions,
            attempts=attempts,
        )


def _what_happened(decisions: Sequence[Decision], row: Delivery | None) -> Sequence[Decision]:
    """Nothing was decided for a reader of whom there is no row, or who was left out before anything was chosen; and what was
    chosen for a copy that was not sent is not in any."""
    if row is None:
        return ()
    if row.status not in (DeliveryStatus.SKIPPED, DeliveryStatus.CANCELLED):
        return decisions
    if row.picks is None and not row.reason.startswith(plan_rows.NOTHING_NEW):
        return ()
    return [replace(each, rule=Rule.UNSENT, reason=None) if each.rule is Rule.PICKED else each for each in decisions]


def _without_withdrawn(
    decisions: Sequence[Decision], withdrawn: Mapping[int, int], row: Delivery | None
) -> tuple[Decision, ...]:
    """The row keeps what was chosen; what was withdrawn before its copy was made is not in that copy."""
    is_made = row is not None and row.attempted_at is not None
    gone = {at for at, since in withdrawn.items() if not is_made or (row is not None and row.revision >= since)}
    return tuple(
        replace(each, rule=Rule.WITHDRAWN, reason=None)
        if each.rule is Rule.PICKED and each.candidate.position in gone
        else each
        for each in decisions
    )


def _as_recorded(selector: Selector, decisions: Sequence[Decision], packed: Sequence[int]) -> list[Decision]:
    """What the ledger says was in the copy, in its order, and the rules for the rest."""
    by_position = {each.position: each for each in selector.candidates}
    chosen = unpack(packed).chosen
    inside = {position for position, _ in chosen}
    picked = [
        Decision(
            candidate=candidate, rule=Rule.PICKED, reason=reasons_of(candidate).get(number, _plain(candidate.section))
        )
        for position, number in chosen
        if (candidate := by_position.get(position)) is not None
    ]
    rest = [each for each in decisions if each.candidate.position not in inside]
    # what would be picked now was in another copy when plan looked, and that one did not go out
    return picked + [replace(each, rule=Rule.HAD, reason=None) if each.rule is Rule.PICKED else each for each in rest]


def _plain(section: str) -> Reason:
    return Reason(kind=Kind.NEW, subject=section)


def _reader(connection: Connection, newsletter: Newsletter, address: str) -> tuple[Subscriber, Subscription]:
    person = subscriber_store.get_subscriber(connection, address)
    found = dict(subscriber_store.list_subscriptions(connection, person.id)).get(newsletter.name)
    if found is None:
        raise NotFound(
            f"{address} is not subscribed to {newsletter.name!r}, and was not: so they got none of its editions"
        )
    return person, found


def _why(
    edition: Edition,
    newsletter: Newsletter,
    subscription: Subscription,
    was: Mapping[str, Any] | None,
    row: Delivery | None,
) -> str:
    if row is not None:
        return _what_became(row)
    slot = str(was["slot"]) if was else subscription.slot
    if edition.planned_at is None:
        return f"the edition is {edition.status}: nobody has a copy yet"
    if (
        subscription.status is SubscriptionStatus.LEFT
        and subscription.left_at
        and subscription.left_at <= edition.planned_at
    ):
        return f"left on {subscription.left_at:%Y-%m-%d %H:%M} UTC, before the edition was planned"
    if subscription.status is SubscriptionStatus.PENDING:
        return "asked for it and has not confirmed"
    if edition.corrects_id is not None:
        return f"their copy of edition {edition.corrects_id} did not hold the article that is corrected"
    mine = slot if is_offered(slot, newsletter.offer) else Cadence.WEEKLY
    if mine != edition.cadence:
        return (
            f"this edition is for readers of {edition.cadence}; this reader chose {slot or 'nothing, which is weekly'}"
        )
    if subscription.slot_since is not None and subscription.slot_since > edition.due_at:
        return f"chose {slot} on {subscription.slot_since:%Y-%m-%d %H:%M} UTC, after this edition was due"
    return f"joined on {subscription.joined_at:%Y-%m-%d %H:%M} UTC, after the edition was planned"


def _what_became(row: Delivery) -> str:
    said = f": {row.reason}" if row.reason else ""
    answer = f"; the server said {row.code} {row.enhanced} {row.answer}".rstrip() if row.code else ""
    at = f" at {row.attempted_at:%Y-%m-%d %H:%M:%S} UTC by {row.channel or 'a channel'}" if row.attempted_at else ""
    again = f"; tried again at {row.next_attempt_at:%Y-%m-%d %H:%M} UTC" if row.next_attempt_at else ""
    return f"{row.status}{said}{at}{answer}{again}"


def picks_for(engine: Engine, edition_id: int, subscription_id: int, *, now: datetime) -> list[int] | None:
    """What stands in this reader's copy, or would if the edition were planned now; None: what everybody gets."""
    with reading(engine) as connection:
        edition = edition_store.get_edition(connection, edition_id)
        newsletter = frozen_newsletter(connection, edition)
        row = delivery_store.find_delivery(connection, edition_id, subscription_id)
        if row is not None and row.picks is not None:
            return list(row.picks)
        if not newsletter.offer.is_any or edition.corrects_id is not None:
            return None
        planner = OwnPlanner(connection, edition, newsletter)
        past, _ = planner.past(connection, subscription_id, before_id=None)
        made = planner.choose(planned_readers.read_reader(connection, subscription_id), past)
        if not made:
            raise Refused("there is nothing new for this reader in it: they would get no mail")
        picks: list[int] = json.loads(made)
        return picks


def recreate(
    engine: Engine,
    maker: CopyMaker,
    edition_id: int,
    address: str,
    *,
    links_at: Callable[[datetime], Links] | None = None,
) -> bytes:
    """The message that this reader got last, byte for byte; Refused where none was made.

    maker      of the edition (publish.open_maker). It signs with the DKIM keys of now; a key that was changed since changes
               the signature and nothing else
    links_at   the links as they were signed at an instant; else the maker's own
    """
    with reading(engine) as connection:
        edition = edition_store.get_edition(connection, edition_id)
        person, subscription = _reader(connection, frozen_newsletter(connection, edition), address)
        row = delivery_store.find_delivery(connection, edition_id, subscription.id)
        if row is None or row.attempted_at is None:
            raise Refused(
                f"no message was made for {address}",
                next=Next(Step.EXPLAIN, {"edition": edition_id, "address": address}),
            )
        was = subscriber_store.find_person_before(connection, person.id, at=row.attempted_at)
        withdrawn = contents.list_withdrawn(connection, edition_id)
    if was is not None:
        person = replace(person, **was)
    if links_at is not None:
        maker.links = links_at(row.attempted_at)
    maker.withdraw(row.revision, [position for position, since in withdrawn.items() if since <= row.revision])
    recipient = Recipient(
        subscription_id=subscription.id, subscriber=person, joined_at=subscription.joined_at, picks=row.picks
    )
    return maker.message(recipient, at=row.attempted_at)
