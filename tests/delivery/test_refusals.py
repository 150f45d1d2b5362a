"""Whom a refusal means: the wordings of the servers that mail is handed to."""

from __future__ import annotations

import time

import pytest

from digest.delivery.answer import judge
from digest.delivery.refusals import RULES, rule_for
from digest.model.delivery import About, ChannelHealth, Stage, Verdict

RCPT, DATA, BODY, MAIL = Stage.RCPT, Stage.DATA, Stage.BODY, Stage.MAIL

OF_US = [
    # Postfix says all of these at RCPT (smtpd_delay_reject)
    (RCPT, 553, "5.7.1 <news@example.org>: Sender address rejected: not owned by user digest"),
    (RCPT, 553, "5.7.1 <news@example.org>: Sender address rejected: not logged in"),
    (RCPT, 550, "5.1.0 <news@example.org>: Sender address rejected: User unknown in local recipient table"),
    (RCPT, 550, "5.1.8 <news@example.org>: Sender address rejected: Domain not found"),
    (RCPT, 554, "5.7.1 <news@example.org>: Sender address rejected: Access denied"),
    (RCPT, 554, "5.7.1 <reader@example.net>: Relay access denied"),
    (RCPT, 454, "4.7.1 <reader@example.net>: Relay access denied"),
    (RCPT, 504, "5.5.2 <digest>: Helo command rejected: need fully-qualified hostname"),
    (RCPT, 550, "5.7.1 <digest.example>: Helo command rejected: Host not found"),
    (RCPT, 554, "5.7.1 <host.example[192.0.2.7]>: Client host rejected: Access denied"),
    (
        RCPT,
        554,
        "5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example; see https://example.org",
    ),
    (RCPT, 550, "5.7.25 Client host rejected: cannot find your hostname, [192.0.2.7]"),
    (RCPT, 530, "5.7.0 Must issue a STARTTLS command first"),
    (RCPT, 450, "4.7.1 Error: too much mail from 192.0.2.7"),
    # Exim
    (RCPT, 550, "relay not permitted"),
    (RCPT, 550, "Sender verify failed"),
    (RCPT, 550, "Verification failed for <news@example.org>\nNo such person at this address\nSender verify failed"),
    (RCPT, 550, "Rejected because 192.0.2.7 is in a black list at bl.example"),
    # qmail
    (RCPT, 553, "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
    # Exchange, Outlook
    (RCPT, 550, "5.7.54 SMTP; Unable to relay recipient in non-accepted domain"),
    (RCPT, 550, "5.7.1 Unable to relay"),
    (MAIL, 530, "5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"),
    (RCPT, 550, "5.7.57 Client not authenticated to send mail"),
    (BODY, 550, "5.7.60 SMTP; Client does not have permissions to send as this sender"),
    (BODY, 554, "5.2.252 SendAsDenied; digest@example.org not allowed to send as news@example.org"),
    (RCPT, 550, "5.7.606 Access denied, banned sending IP [192.0.2.7]"),
    (RCPT, 550, "5.1.8 Access denied, bad outbound sender"),
    (RCPT, 550, "5.7.708 Service unavailable. Access denied, traffic not accepted from this IP"),
    (
        RCPT,
        550,
        "5.7.1 Unfortunately, messages from [192.0.2.7] weren't sent. It is on our block list (S3140)",
    ),
    (BODY, 550, "5.7.515 Access denied, sending domain EXAMPLE.ORG does not meet the required authentication level"),
    (BODY, 550, "5.7.509 Access denied, sending domain does not pass DMARC verification"),
    # Amazon SES
    (BODY, 554, "Message rejected: Email address is not verified. The following identities failed the check in region"),
    (BODY, 554, "Message rejected: Sending paused for this account. For more information, please check the inbox"),
    (DATA, 554, "Access denied: User is not authorized to send"),
    (MAIL, 535, "Authentication Credentials Invalid"),
    # Gmail
    (BODY, 550, "5.7.26 Your email has been blocked because the sender is unauthenticated"),
    (BODY, 550, "5.7.1 [192.0.2.7] The IP you're using to send mail is not authorized to send email directly"),
    (BODY, 550, "5.7.25 The IP address sending this message does not have a PTR record setup"),
    (BODY, 421, "4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP"),
    (RCPT, 550, "5.4.5 Daily user sending limit exceeded"),
    (BODY, 550, "5.4.5 Daily SMTP relay sending limit exceeded for user"),
    # SendGrid, Mailgun, Brevo
    (
        BODY,
        550,
        "The from address does not match a verified Sender Identity. Mail cannot be sent until this is resolved",
    ),
    (BODY, 550, "Unauthenticated senders not allowed"),
    (RCPT, 451, "Authentication failed: Maximum credits exceeded"),
    (BODY, 554, "5.7.1 Sandbox subdomains are for test purposes only"),
    (RCPT, 525, "5.7.1 Unauthorized IP address; your account is not activated"),
    # limits
    (RCPT, 454, "4.7.0 Daily message quota exceeded"),
    (BODY, 454, "Throttling failure: Maximum sending rate exceeded."),
    (RCPT, 552, "5.7.1 hourly limit of your plan reached"),
    (RCPT, 452, "4.5.3 Too many recipients"),
    # a server that does not work
    (RCPT, 451, "4.3.0 Temporary lookup failure"),
    (BODY, 451, "4.3.5 Server configuration problem"),
    (RCPT, 503, "5.5.1 Error: need MAIL command"),
]

OF_THE_READER = [
    (RCPT, 550, "5.1.1 <reader@example.net>: Recipient address rejected: User unknown in local recipient table"),
    (
        RCPT,
        550,
        "5.1.1 <reader@example.net>: Recipient address rejected: undeliverable address: host mx.example said: 550",
    ),
    (RCPT, 450, "4.1.1 <reader@example.net>: Recipient address rejected: unverified address: Address lookup failed"),
    (RCPT, 550, "5.1.1 <sender.address.rejected@example.net>: Recipient address rejected: User unknown"),
    (RCPT, 550, "5.1.2 <reader@nowhere.example>: Recipient address rejected: Domain not found"),
    (RCPT, 550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
    (RCPT, 550, "5.4.1 Recipient address rejected: Access denied. [host.example]"),
    (RCPT, 550, "Unknown user"),
    (RCPT, 550, "No Such User Here"),
    (RCPT, 550, "Unrouteable address"),
    (RCPT, 550, "sorry, no mailbox here by that name"),
    (RCPT, 550, "Requested action not taken: mailbox unavailable"),
    (RCPT, 554, "delivery error: dd This user doesn't have an example.net account (reader@example.net)"),
    (RCPT, 550, "5.2.1 The email account that you tried to reach is disabled"),
    (RCPT, 552, "5.2.2 The email account that you tried to reach is over quota"),
    (RCPT, 452, "4.2.2 The recipient's inbox is out of storage space"),
    (
        RCPT,
        450,
        "4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages",
    ),
    (RCPT, 550, "5.2.1 The user you are trying to contact is receiving mail at a rate that prevents more"),
    (RCPT, 550, "5.7.124 Sender not in allowed-senders list of that group"),
    (RCPT, 556, "example.net does not accept email"),
    (BODY, 552, "5.2.2 Mailbox full"),
    (MAIL, 553, "5.6.7 Internationalized mailbox name not supported"),
]

UNCLEAR = [
    (RCPT, 550, "5.7.1 <reader@example.net>: Recipient address rejected: Access denied"),
    (RCPT, 554, "5.7.1 policy"),
    (RCPT, 550, ""),
    (RCPT, 553, ""),
    (BODY, 554, "5.7.1 Message content rejected"),
    (BODY, 550, "5.7.1 Our system has detected that this message is likely unsolicited mail"),
    (BODY, 552, "5.7.0 This message was blocked because its content presents a potential security issue"),
    (BODY, 552, "5.3.4 Message size exceeds fixed limit"),
    (BODY, 552, "Message size exceeds maximum permitted"),
    (DATA, 554, "5.5.9 no"),
    (RCPT, 451, "4.7.1 Greylisting in action, please come back later"),
]


def about(stage: Stage, code: int, text: str) -> About:
    return judge(stage, code, text).about


@pytest.mark.parametrize(("stage", "code", "text"), OF_US, ids=lambda value: str(value)[:60])
def test_this_is_of_us_and_refuses_no_reader(stage: Stage, code: int, text: str) -> None:
    outcome = judge(stage, code, text)
    assert outcome.about is About.US
    assert outcome.verdict in (Verdict.DEFERRED, Verdict.UNTRIED)
    assert outcome.why


@pytest.mark.parametrize(("stage", "code", "text"), OF_THE_READER, ids=lambda value: str(value)[:60])
def test_this_is_of_the_reader(stage: Stage, code: int, text: str) -> None:
    assert about(stage, code, text) is About.READER
    if code > 499 and (stage, code) != (RCPT, 552):
        assert judge(stage, code, text).verdict is Verdict.REJECTED


@pytest.mark.parametrize(("stage", "code", "text"), UNCLEAR, ids=lambda value: str(value)[:60])
def test_this_only_the_answers_to_others_can_tell(stage: Stage, code: int, text: str) -> None:
    assert about(stage, code, text) is About.UNCLEAR


@pytest.mark.parametrize(
    ("stage", "code", "text"),
    [
        (MAIL, 421, "4.3.2 concurrent connections limit exceeded"),
        (MAIL, 432, "4.3.2 Concurrent connections limit exceeded. Visit https://example.org"),
        (BODY, 432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"),
        (Stage.CONNECT, 421, "too many connections from your IP"),
        (RCPT, 451, "Too many concurrent SMTP connections"),
    ],
)
def test_one_connection_too_many_leaves_the_row_untried(stage: Stage, code: int, text: str) -> None:
    outcome = judge(stage, code, text)
    assert (outcome.verdict, outcome.health) == (Verdict.UNTRIED, ChannelHealth.CROWDED)


@pytest.mark.parametrize("stage", [MAIL, RCPT, BODY])
@pytest.mark.parametrize("code", [452, 454, 550, 552])
def test_a_limit_that_is_used_up_rests_the_channel(stage: Stage, code: int) -> None:
    outcome = judge(stage, code, "Daily message quota exceeded")
    assert (outcome.verdict, outcome.health) == (Verdict.DEFERRED, ChannelHealth.REST)


def test_an_address_in_an_answer_decides_nothing() -> None:
    for address in ("<relay.denied@example.net>", "<spf@helo.example>", "blocked-using.dnsbl@example.org"):
        assert rule_for(RCPT, 550, "", f"{address}: no").about is About.UNCLEAR


def test_a_long_answer_is_judged_in_no_time() -> None:
    started = time.process_time()
    for piece in ("sender ", "client ", "account ", "<", "a@", "user ", "not ", "limit "):
        rule_for(RCPT, 550, "", piece * 100_000)
    assert time.process_time() - started < 5


def test_each_rule_says_what_is_refused_and_who_says_so() -> None:
    assert [rule for rule in RULES if not (rule.why and rule.source)] == []
    assert [rule for rule in RULES if not (rule.words or rule.enhanced or rule.codes)] == []
