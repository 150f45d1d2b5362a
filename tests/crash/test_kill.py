"""kill -9 at seeded moments of an edition, again and again: no reader is lost, and none gets two.

`make test` does it 200 times, `make crash` a thousand times and more.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest

from digest.model.delivery import DeliveryStatus
from digest.model.edition import EditionStatus
from digest.model.newsletter import UnknownPolicy
from tests.crash.mailbox import Moment
from tests.crash.senders import SenderProcess
from tests.crash.trial import Trial, moments

KILLS = 5
IN_FLIGHT = 2
"""Messages that a connection has at most: the one whose body is out, and the one whose envelope is."""


def pull_the_plug(trial: Trial, sender: SenderProcess, chance: random.Random, moment: Moment) -> bool:
    """At a moment of the dialogue, shortly after it (in a commit, or between two), or at any time from the start on."""
    how = chance.random()
    if how < 0.3:
        return trial.kill_after(sender, chance.uniform(0.0, 0.1))
    number = 1 if moment is Moment.GREETING else chance.randint(1, 12)
    return trial.kill_at(sender, moment, number, later_s=0.0 if how < 0.65 else chance.uniform(0.0, 0.012))


@pytest.mark.parametrize("policy", list(UnknownPolicy))
def test_one_sender(make_trial: Callable[..., Trial], policy: UnknownPolicy, seed: int) -> None:
    """What is unknown in the end is what was in flight when the plug was pulled: not a row more, not one less."""
    chance = random.Random(f"one sender, {policy}, {seed}")
    trial = make_trial(policy=policy)
    in_flight: set[str] = set()
    for moment in itertools.islice(moments(chance), KILLS):
        if pull_the_plug(trial, trial.start(), chance, moment):
            attempting = trial.list_with(DeliveryStatus.ATTEMPTING) - in_flight  # a batch that nobody leased since
            assert len(attempting) <= IN_FLIGHT * trial.connections
            in_flight |= attempting
            trial.check_balance()
        trial.let_leases_end()
    trial.finish()
    if policy is UnknownPolicy.LEAVE:
        trial.check_never_twice()
        assert trial.list_with(DeliveryStatus.UNKNOWN) == in_flight
    else:
        trial.check_each_at_least_once()
        assert {address for address, found in trial.mailbox.copies.items() if len(found) > 1} <= in_flight
    assert trial.kills == KILLS


@pytest.mark.parametrize("policy", list(UnknownPolicy))
def test_three_senders_at_once(make_trial: Callable[..., Trial], policy: UnknownPolicy, seed: int) -> None:
    """One of them is killed, the others go on, another takes its place."""
    chance = random.Random(f"three senders, {policy}, {seed}")
    trial = make_trial(policy=policy, readers=240, batch_size=20)
    trial.mailbox.pace_s = 0.01  # or those who live are done before five have died
    order = moments(chance)
    while trial.kills < KILLS and trial.status is not EditionStatus.SENT:
        if not (living := trial.living):
            trial.let_leases_end()
        living += [trial.start() for _ in range(3 - len(living))]
        pull_the_plug(trial, chance.choice(living), chance, next(order))
    trial.finish()
    if policy is UnknownPolicy.LEAVE:
        trial.check_never_twice()
        assert len(trial.list_with(DeliveryStatus.UNKNOWN)) <= IN_FLIGHT * trial.connections * trial.kills
    else:
        trial.check_each_at_least_once()
    assert trial.kills == KILLS
