"""Refusals, and whom they mean: one table, read from the top; the first rule that fits decides.

Servers delay what they think of a client, a login or a sender until RCPT, and say it there beside what they think of a
reader, often with the same code: Postfix has 554 5.7.1 for "Relay access denied" and for a reader's own rule. So the
words come first, where they are plain, then the enhanced code (RFC 3463, RFC 5248), then the code.

A rule may be wrong in two ways. Taken for the reader's by mistake, a refusal of us costs every reader the edition.
Taken for ours by mistake, it costs a later try, since the others' answers are heard before anything is done about it
(flows/dispatch/guard.py). So what is in doubt is not the reader's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from digest.model.delivery import About, Stage


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. A rule with several conditions asks for all of them.

    why       what is refused, for people
    source    who says so
    words     a pattern, searched in the reply without addresses and codes, in small letters
    enhanced  a pattern for the whole enhanced code
    codes     reply codes
    stages    where it may come; everywhere when empty
    limit     passes by itself: "fast", after a moment; "used up", after hours. Else a person has to mend something
    crowded   too many connections: this one ends, the others go on
    """

    about: About
    why: str
    source: str
    words: str = ""
    enhanced: str = ""
    codes: Sequence[int] = ()
    stages: Sequence[Stage] = ()
    limit: Literal["", "fast", "used up"] = ""
    crowded: bool = False


US, READER, UNCLEAR = About.US, About.READER, About.UNCLEAR

RULES = (
    # --- in plain words, of the reader, though they sound like ours ---------------------------------------------
    Rule(READER, "there is no such mailbox", "Postfix: reject_unlisted_recipient, reject_unverified_recipient",
         words=r"recipient address rejected: (un(verified|deliverable|known)|user unknown|domain not found|need fully)"),
    Rule(READER, "the mailbox takes no mail from outside", "Exchange Online: 5.7.124, 5.7.133 to 5.7.136",
         enhanced=r"[45]\.7\.1\d\d"),
    # --- in plain words, of us ------------------------------------------------------------------------------------
    Rule(US, "too many connections at once", "Exchange Online: 432 4.3.2, 421 4.3.2; Postfix: anvil(8)",
         words=r"(concurrent|too many|simultaneous)\b.{0,30}\bconnections?|connections? .{0,20}limit|thread limit",
         crowded=True),
    Rule(US, "the sender is refused", "Postfix: smtpd_sender_restrictions; Exim: Sender verify failed",
         words=r"sender address|sender (address )?(is )?(rejected|denied|refused|blocked|invalid|unknown|verif|not )"
               r"|(invalid|unverified|unauthori[sz]ed|unknown|bad|blocked) (outbound )?sender|not owned by"
               r"|bad outbound sender|sender verif|sender id(entity)?\b|verified sender"),
    Rule(US, "the sender is refused", "SendGrid, Mailgun, Brevo: the From address; Exchange: 5.7.60 SendAsDenied",
         words=r"(from|envelope|return[- ]path|mail from) (address|domain|header)\b|\bsend ?as\b|send as this sender"
               r"|not (allowed|permitted|authori[sz]ed) to (send|use|relay|submit)|permissions? to (send|submit)"
               r"|may not send|cannot send (mail|as|from)"),
    Rule(US, "the sender is not verified", "Amazon SES: 554 Message rejected: Email address is not verified",
         words=r"(not|un)[ -]?(yet )?(been )?verified|identit(y|ies) failed|unregistered domain|sandbox"
               r"|domain .{0,40}not (verified|registered|configured)"),
    Rule(US, "relaying is refused", "Postfix: reject_unauth_destination; Exim: relay not permitted; Exchange: 5.7.54; qmail",
         words=r"\brelay(ing)?\b|rcpthosts|not (a |an )?(gateway|open relay)"),
    Rule(US, "the login is missing or refused", "RFC 4954 §6: 530 5.7.0, 5.7.8; Exchange: 5.7.57",
         words=r"authenticat(e|ion|ed) (is |was )?(required|needed|first|fail|unsuccessful|credentials)"
               r"|(not|un|must be|must|without|client was not) ?authenticated|(must|need to|please) (authenticate|log ?in)"
               r"|(auth|login|log in|sign in|smtp auth\w*) (is )?required|invalid credentials|bad credentials|log ?in first"
               r"|(issue|must use|use|requires?) (a )?starttls|encryption (is )?required|pop before smtp"),
    Rule(US, "the name in HELO is refused", "Postfix: smtpd_helo_restrictions: 504 5.5.2, 550 5.7.1, 450 4.7.1",
         words=r"\b(helo|ehlo)\b"),
    Rule(US, "our host is refused", "Postfix: smtpd_client_restrictions; Outlook: S3140, S3150; RFC 7372: 5.7.25",
         words=r"\bclient (host|address|ip|name)?\b.{0,60}(rejected|blocked|denied|refused|banned|not allowed)"
               r"|client was blocked|block(ed)? ?(list|using)|black ?list|deny ?list|dnsbl|\brbl\b|spamhaus"
               r"|spamcop|barracuda|sorbs|\bs3140\b|\bs3150\b|reverse (dns|hostname|lookup|path)|\bptr\b|rdns"
               r"|find your (reverse )?host"
               r"|(your|sending|source|connecting|client) (ip|host|server|network|mta)|\bip\b.{0,40}"
               r"(block|list|ban|reputation|reject|denied)|\b(poor|bad|low|sender|ip|domain) reputation"
               r"|dynamic (ip|address|pool)|traffic not accepted|banned sending|from your (ip|network|host|domain|server)"),
    Rule(US, "SPF, DKIM or DMARC fails", "RFC 7372 §3; Gmail: 550 5.7.26; Outlook: 550 5.7.515",
         words=r"\b(spf|dkim|dmarc)\b|unauthenticated (e?mail|message|sender)|sender id\b"),
    Rule(READER, "there is no such mailbox", "RFC 3463 §3.2; RFC 7505 §4.3; Exchange Online: 5.4.1, 5.4.4, 5.4.310",
         enhanced=r"[45]\.1\.([12346]|10)|5\.4\.(1|4|310)"),
    Rule(READER, "the mailbox takes nothing", "RFC 3463 §3.3", enhanced=r"[45]\.2\.\d+"),
    Rule(READER, "the address needs SMTPUTF8", "RFC 6531 §3.5", enhanced=r"[45]\.6\.(7|9)"),
    Rule(UNCLEAR, "the message is too big", "RFC 1870 §6.1; RFC 3463 §3.4", enhanced=r"[45]\.3\.4"),
    Rule(UNCLEAR, "the message is too big", "RFC 1870 §6.1", words=r"\bsize\b|too (big|large|long)"),
    Rule(US, "our account is stopped", "Amazon SES, SendGrid, Brevo, Mailgun: sending paused, credits used up",
         words=r"(your|sender'?s?|sending) account|account .{0,30}(suspend|paused|under review|not (yet )?activ|sending)"
               r"|sending (is |has been |was )?(paused|suspended|disabled|stopped)|credits? (exceeded|exhausted|used)"
               r"|billing|out of credits|payment|subscription (has )?(expired|ended)|trial (has )?(expired|ended)"),
    # --- plainly of the reader ------------------------------------------------------------------------------------
    Rule(READER, "the mailbox takes no more", "Gmail: 4.2.1, 5.2.1 receiving at a rate; RFC 3463 §3.3",
         words=r"(account|mailbox|recipient|user|address)\b.{0,60}\breceiving\b"),
    Rule(READER, "the domain takes no mail", "RFC 7504 §4", codes=(551, 556), stages=(Stage.RCPT,)),
    Rule(READER, "there is no such mailbox", "Exim: Unknown user; qmail: no mailbox here; Yahoo: dd This user",
         words=r"no such (user|recipient|mailbox|address|person|account|domain|local)|no mailbox here|no user here"
               r"|(unknown|invalid|nonexistent|non-existent|undeliverable|unrouteable|unroutable|bad|inactive) "
               r"(local )?(user|recipient|mailbox|address|account|rcpt)"
               r"|(user|recipient|mailbox|account|address)\b.{0,30}(unknown|not (be )?(found|known|exist|available|valid)"
               r"|n't (exist|have)|does not|unavailable|inactive|disabled|discontinued|suspended|closed|\bfull\b)"
               r"|over ?quota|quota (is )?(full|exceeded for recipient)|mailbox .{0,20}(quota|full)|is no longer",
         stages=(Stage.RCPT, Stage.DATA, Stage.BODY)),
    # --- limits ---------------------------------------------------------------------------------------------------
    Rule(US, "a limit of ours is used up", "Gmail: 550 5.4.5, 454 4.7.0; SES: 454 Daily message quota exceeded",
         words=r"\b(daily|hourly|monthly|24[- ]hour|per (day|hour|month))\b|quota|sending limit"
               r"|limits? (is |has been |was )?(exceeded|reached)|(exceeded|reached|over) .{0,40}limit"
               r"|too many (messages|mails|e-?mails) (today|sent)",
         limit="used up"),
    Rule(US, "a limit of ours is used up", "Gmail: 550 5.4.5 Daily user sending limit exceeded", enhanced=r"5\.4\.5",
         limit="used up"),
    # A rate that is too high now is 4yz nearly everywhere: what is deferred slows the channel down by itself.
    Rule(US, "we send too fast", "SES: 454 Maximum sending rate exceeded; Gmail: 4.7.28; Yahoo: TSS04; Postfix: anvil(8)",
         words=r"\brates?\b|too (many|fast|much|frequent)|throttl|tss\d\d|slow down|unusual (volume|traffic)",
         limit="fast"),
    Rule(US, "we send too fast", "RFC 3463 §3.8: X.7.28 and Gmail's use of it; RFC 5321 §4.5.3.1.10", limit="fast",
         enhanced=r"[45]\.(7\.28|5\.3|4\.5)"),
    # --- enhanced codes of us -------------------------------------------------------------------------------------
    Rule(US, "the sender is refused", "RFC 3463 §3.2: X.1.7, X.1.8; RFC 7505: X.7.27", enhanced=r"[45]\.(1\.[78]|7\.27)"),
    Rule(US, "the login is missing or refused", "RFC 5248, RFC 4954 §6", enhanced=r"[45]\.7\.(3|8|9|1[0-4]|57)"),
    Rule(US, "SPF, DKIM or DMARC fails", "RFC 7372 §3, RFC 7489 §6.3; Gmail 5.7.29, 5.7.30",
         enhanced=r"[45]\.7\.(2[0-6]|29|30|515)"),
    Rule(US, "our host or account is refused", "Exchange Online: 5.7.5xx to 5.7.7xx; 5.7.54, 5.7.60, 5.7.64",
         enhanced=r"[45]\.7\.(54|6[0-4]|[5-7]\d\d)"),
    Rule(US, "the server does not follow the dialogue", "RFC 3463 §3.6; RFC 5321 §4.2.2", enhanced=r"5\.5\.[0146]"),
    Rule(US, "the server does not work", "RFC 3463 §3.4, §3.5", enhanced=r"[45]\.3\.[01235]|4\.4\.\d+"),
    # --- codes ----------------------------------------------------------------------------------------------------
    Rule(US, "the login is missing or refused", "RFC 4954 §6", codes=(530, 534, 535, 538)),
    Rule(US, "the server takes no mail", "RFC 7504 §4", codes=(521,)),
    Rule(US, "the server does not follow the dialogue", "RFC 5321 §4.2.2", codes=(500, 502, 503, 555)),
)  # fmt: skip

NOBODY = Rule(UNCLEAR, "", "RFC 5321 §4.2.1: the first digit alone")

_ADDRESS = re.compile(r"<[^<>]{0,320}>|\S{1,64}@\S{1,255}")
_CODE = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_COMPILED = [(rule, re.compile(rule.words), re.compile(rule.enhanced)) for rule in RULES]
_MOST = 1_000
"""So many characters of a reply are read for its meaning."""


def rule_for(stage: Stage, code: int, enhanced: str, text: str) -> Rule:
    """The first rule that fits a refusal.

    text   the whole reply, without its codes at the beginnings of lines
    """
    words = _CODE.sub(" ", _ADDRESS.sub(" ", text[:_MOST])).lower()
    words = " ".join(words.split())
    for rule, said, numbered in _COMPILED:
        if rule.stages and stage not in rule.stages:
            continue
        if rule.codes and code not in rule.codes:
            continue
        if rule.enhanced and not numbered.fullmatch(enhanced):
            continue
        if rule.words and not said.search(words):
            continue
        return rule
    return NOBODY
