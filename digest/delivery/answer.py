"""Code, enhanced code and stage -> Outcome. The one place that judges.

stage             4yz                                     5yz
connect, greeting channel rests, row untouched            channel rests, row untouched
ehlo              channel rests                           channel stops (HELO was tried)
auth              channel rests                           channel stops: a person must look; no bounce
mail              deferred, 421 reconnects                552, 554 5.3.4: the message; 5.6.7: the reader; else channel
                                                          stops: it is the sender that is refused, not the reader
rcpt, data, body  deferred                                of the reader: rejected. Of us (refusals.py): deferred, and a
                                                          limit rests the channel. Unclear: rejected. The last two only
                                                          once others' answers were heard (flows/dispatch/guard.py)
rcpt 552          as 452 "too many": later (RFC 5321 §4.5.3.1.10), unless it is the mailbox that is full
quit              nothing: the message is accepted already
too many at once  untried: this connection ends, the others go on
broken line       before the body: untried; after it: unknown (RFC 1047). One that breaks at the same reader again and
                  again: deferred, by who counts (flows/dispatch)

Whom a refusal means is looked up in refusals.py, words before codes. What a rejection says about the address (suppress
or not) is not decided here: more than half of all 5yz answers do not mean a dead address. That is feedback's rule.
"""

from __future__ import annotations

import re

from digest.delivery.refusals import Rule, rule_for
from digest.model.delivery import About, ChannelHealth, Outcome, Stage, Verdict

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")  # RFC 2034 §4: first thing in the text

_ABOUT_THE_SENDER = (Stage.CONNECT, Stage.EHLO, Stage.AUTH)


def judge(stage: Stage, code: int, text: str = "") -> Outcome:
    """The meaning of a reply.

    code     three digits; an unknown one is judged by its first (RFC 5321 §4.2.1)
    text     the lines of the reply without their codes; an enhanced code is read from its beginning
    """
    text = text.replace("\0", "")  # PostgreSQL keeps no such text
    match = _ENHANCED.match(text)
    enhanced = match.group(1) if match else ""
    outcome = Outcome(verdict=Verdict.ACCEPTED, stage=stage, code=code, enhanced=enhanced, text=text[:500])
    if 200 <= code < 300 and stage is Stage.BODY:
        return outcome
    rule = rule_for(stage, code, enhanced, text)
    outcome.about, outcome.why = rule.about, rule.why
    outcome.verdict, outcome.health = _verdict(stage, code, enhanced, rule)
    return outcome


def broken(stage: Stage, text: str) -> Outcome:
    """The line broke or fell silent while we waited at `stage`."""
    verdict = Verdict.UNKNOWN if stage is Stage.BODY else Verdict.UNTRIED
    return Outcome(verdict=verdict, stage=stage, text=text[:500], health=ChannelHealth.RECONNECT)


def refused_here(text: str, enhanced: str = "") -> Outcome:
    """We know before asking that this message cannot go: it was never sent."""
    rule = rule_for(Stage.LOCAL, 0, enhanced, text)
    return Outcome(
        verdict=Verdict.REJECTED, stage=Stage.LOCAL, enhanced=enhanced, text=text, about=rule.about, why=rule.why
    )


def _verdict(stage: Stage, code: int, enhanced: str, rule: Rule) -> tuple[Verdict, ChannelHealth]:
    transient = 400 <= code < 500
    if stage in _ABOUT_THE_SENDER:
        if rule.crowded:
            return Verdict.UNTRIED, ChannelHealth.CROWDED
        lasting = stage is not Stage.CONNECT and not transient
        return Verdict.UNTRIED, ChannelHealth.STOP if lasting else ChannelHealth.REST
    if rule.crowded and 400 <= code < 600:
        return Verdict.UNTRIED, ChannelHealth.CROWDED
    if transient:
        return Verdict.DEFERRED, _health_when_deferred(stage, code, enhanced, rule)
    if not 500 <= code < 600:  # a wrong answer at this stage: the dialogue is out of step
        return (Verdict.UNKNOWN if stage is Stage.BODY else Verdict.UNTRIED), ChannelHealth.RECONNECT
    if rule.limit and not (stage is Stage.RCPT and code == 552 and rule.limit == "fast"):
        return Verdict.DEFERRED, ChannelHealth.REST
    if stage is Stage.MAIL:
        about_message = code == 552 or enhanced in ("5.3.4", "5.6.7")
        return (Verdict.REJECTED, ChannelHealth.FINE) if about_message else (Verdict.UNTRIED, ChannelHealth.STOP)
    if stage is Stage.RCPT and code == 552 and not enhanced.startswith("5.2"):
        return Verdict.DEFERRED, ChannelHealth.FINE
    return (Verdict.DEFERRED if rule.about is About.US else Verdict.REJECTED), ChannelHealth.FINE


def _health_when_deferred(stage: Stage, code: int, enhanced: str, rule: Rule) -> ChannelHealth:
    if code == 421:  # RFC 5321 §3.8: the server closes; the row was not judged by it
        return ChannelHealth.RECONNECT
    if rule.limit == "used up":
        return ChannelHealth.REST
    if enhanced.startswith("4.7.") and stage is Stage.MAIL:  # we are too fast, or not trusted yet
        return ChannelHealth.REST
    return ChannelHealth.FINE
