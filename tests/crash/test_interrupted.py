"""What is not as sudden as a plug: SIGTERM, a machine that sleeps while others go on, a server that goes away."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable

from digest.model.delivery import DeliveryStatus
from digest.model.edition import EditionStatus
from tests.crash.mailbox import Moment
from tests.crash.trial import Trial, moments


def test_a_sender_that_is_told_to_stop_leaves_nothing_in_doubt(make_trial: Callable[..., Trial], seed: int) -> None:
    """SIGTERM at any moment: what is out is finished, nothing new begins, no lease has to run out."""
    chance = random.Random(f"told to stop, {seed}")
    trial = make_trial()
    order = moments(chance)
    for _ in range(4):
        sender = trial.start()
        if chance.random() < 0.3:
            trial.kill_after(sender, chance.uniform(0.0, 0.1), by=signal.SIGTERM)
        else:
            later_s = chance.choice([0.0, chance.uniform(0.0, 0.01)])
            trial.kill_at(sender, next(order), chance.randint(1, 9), later_s=later_s, by=signal.SIGTERM)
        assert sender.wait() in (0, -signal.SIGTERM), sender.log.read_text()  # before its handler is there it just dies
        counted = trial.ledger_counts
        assert (counted[DeliveryStatus.ATTEMPTING], counted[DeliveryStatus.UNKNOWN]) == (0, 0)
        trial.check_balance()
        if trial.status is EditionStatus.SENT:
            break
    trial.finish()
    trial.check_never_twice()
    assert trial.ledger_counts == {DeliveryStatus.ACCEPTED: 160}


def test_a_sender_that_sleeps_until_another_has_done_its_work(make_trial: Callable[..., Trial], seed: int) -> None:
    """It wakes with messages in hand, and with answers that came while it slept; nobody gets a second copy of any."""
    chance = random.Random(f"sleeper, {seed}")
    trial = make_trial(readers=100, batch_size=30)
    sleeper = trial.start()
    moment = chance.choice(list(Moment))
    trial.kill_at(sleeper, moment, 1 if moment is Moment.GREETING else chance.randint(1, 12), by=signal.SIGSTOP)
    trial.freeze(sleeper)
    trial.let_leases_end()
    other = trial.start()
    assert other.wait() == 0, other.log.read_text()
    assert sleeper.is_alive
    sleeper.signal(signal.SIGCONT)
    assert sleeper.wait() == 0, sleeper.log.read_text()
    trial.finish()
    trial.check_never_twice()
    assert trial.list_with(DeliveryStatus.UNKNOWN) == set(), "every answer came in the end"


def test_the_server_is_killed_and_comes_back(make_trial: Callable[..., Trial], seed: int) -> None:
    chance = random.Random(f"the server, {seed}")
    trial = make_trial()
    for number, moment in enumerate((Moment.BODY, Moment.ACCEPTED, Moment.MAIL, Moment.HALF), 1):
        sender = trial.start()
        trial.kill_at(sender, moment, chance.randint(1, 15), later_s=1e-9, by=0)
        trial.mailbox.kill()
        sender.wait()
        trial.check_balance()
        assert trial.list_with(DeliveryStatus.ATTEMPTING) == set()
        assert len(trial.list_with(DeliveryStatus.UNKNOWN)) <= trial.connections * number
        trial.mailbox.start()
    trial.finish()
    trial.check_never_twice()
