"""What another system says of a reader: wants mail, or has left, bounced, complained, was blocked, never confirmed.

Every system has columns and words of its own for it. A column is known by its name, a value by its words; what neither
tells is UNCLEAR, and a person has to say what it means: who left elsewhere is never guessed to want mail. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum, auto
from functools import lru_cache


class Said(StrEnum):
    """What a cell says of the person of its row."""

    WANTS = auto()
    LEFT = auto()
    NOTHING = auto()
    UNCLEAR = auto()


class Column(StrEnum):
    """How a column speaks of readers."""

    STATUS = auto()  # with a word: "unsubscribed", "active", "cleaned"
    WANTING = auto()  # yes or no: "subscribed", "opt_in"
    WANTING_SINCE = auto()  # with the day: "confirmed_at"
    LEAVING = auto()  # yes or no, a day, a reason: "unsubscribed", "bounced", "UNSUB_TIME"
    MAYBE = auto()  # "state" is a word such as "cancelled", or a part of a country: the values tell
    MAYBE_YES = auto()  # "newsletter" is yes or no, or a name: the values tell
    CONSENT = auto()  # words that they agreed to; a plain no says that they did not
    OTHER = auto()  # about something else; a word that leaves no doubt still counts


def folded(text: str) -> str:
    """Lower case, without accents, words between single spaces: "Opt-Out" and "opt_out" are the same."""
    plain = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)).casefold()
    return re.sub(r"[\W_]+", " ", "".join(char for char in plain if not unicodedata.combining(char))).strip()


# --- columns ---------------------------------------------------------------------------------------------------------

_LEAVING = re.compile(
    r"unsub|desubscri|\bopt(ed)? ?outs?\b|bounce|complain|\bspam|\bclean(ed)?\b|\bblock|block ?list|black ?list|\bbanned\b"
    r"|suppress|\bdisabled?\b|\bdeleted?\b|\bremoved\b|^(has )?left( at| on| date)?$|\bdnc\b|\bno ?(e ?)?mails?\b"
    r"|\b(do|does) ?not ?(contact|e ?mail|mail|send)|\bdont (contact|mail|send)|\binvalid\b|undeliver|\binactive\b"
    r"|unconfirmed|unverified|\bcancel|deactivat"
    r"|\bstop(ped)?\b|\bwithdr[ae]wn?\b|\brevoked?\b|\bexcluded?\b|\berased\b|\barchived\b|\bpaused?\b|\bdeclined\b"
    r"|\brejected\b|\bforgotten\b|abgemeldet|abmeldung|abbestell|gesperrt|desabonn|desinscri|\bbaja\b|not subscribed"
)
_STATUS = re.compile(
    r"\bstat(us|ut|uses)\b|\w+status\b|\b(subscri\w+|member|contact|email|mail|list) (state|type|standing)\b"
)
_WANTING = re.compile(
    r"\bsubscribed\b|\bopt(ed)? ?ins?\b|\baccepts?\b|\baccepted\b|consent|permission|\bis active\b|\bactive\b|\benabled?\b"
    r"|\b(is )?confirmed\b|\bverified\b|\ballow(ed|s)?\b|\bagree(d|s)?\b|\bwants?\b|\breceives?\b|\bmailable\b"
    r"|\bdeliverable\b|\b(is )?valid\b|angemeldet|abonniert|\babonnes?\b|\binscrite?\b|\bsuscrit[oa]\b"
)
_MAYBE = {"state", "type", "standing", "etat", "estado", "zustand", "category", "group", "segment"}
_MAYBE_YES = {
    *("newsletter", "newsletters", "subscription", "subscriptions", "subscriber", "subscribe", "marketing", "mailing"),
    *("mailings", "mailing list", "emails", "send", "send mail", "send email", "email marketing", "mail me", "gdpr"),
}
_TIME = re.compile(r"\b(time|at|date|on|timestamp|day|since|datum|when)$|^date\b")
_ABOUT = re.compile(
    r"\b(text|wording|source|ip|method|campaign|reason|origin|form|version|notes?|by|agent|page|title|lists?|topics?|tags?"
    r"|tier|plan)\b"
)
_ELSEWHERE = re.compile(  # of no mail: addresses of pages, other ways to reach somebody, what they may do on a site
    r"\b(url|uri|link|href|token|hash|key|uuid|sms|phone|whatsapp|push|call|comments?|commenting|payment|order|tracking)\b"
)


@lru_cache(maxsize=1024)
def column_of(name: str) -> Column:
    """How the column of this name speaks of readers."""
    words = folded(name)
    if words == "consent":
        return Column.CONSENT
    if _ELSEWHERE.search(words):
        return Column.OTHER
    if _LEAVING.search(words) and not words.endswith("status"):
        return Column.LEAVING
    if _STATUS.search(words):
        return Column.STATUS
    if _WANTING.search(words):
        if _ABOUT.search(words):
            return Column.MAYBE_YES
        return Column.WANTING_SINCE if _TIME.search(words) else Column.WANTING
    if words in _MAYBE:
        return Column.MAYBE
    return Column.MAYBE_YES if words in _MAYBE_YES else Column.OTHER


def is_reason(name: str) -> bool:
    """Does a column of LEAVING hold a day, a reason or a campaign? Then whatever stands there says that they left."""
    words = folded(name)
    return bool(_TIME.search(words) or _ABOUT.search(words))


# --- values ----------------------------------------------------------------------------------------------------------

_YES = {"yes", "y", "true", "t", "1", "on", "x", "ja", "j", "oui", "o", "si", "s", "wahr", "vrai", "checked"}
_NO = {"no", "n", "false", "f", "0", "off", "nein", "non", "falsch", "faux", "never", "unchecked"}
_EMPTY = {"", "null", "none", "nil", "n a", "na", "nan", "undefined", "not set", "unset"}
_MARKS = {
    "\u2713": "yes",
    "\u2714": "yes",
    "\u2611": "yes",
    "\u2705": "yes",
    "\u2717": "no",
    "\u2718": "no",
    "\u2610": "no",
}

_WANTS = {
    *("subscribed", "subscriber", "active", "enabled", "confirmed", "opted in", "opt in", "optin", "double opt in"),
    *("single opt in", "regular", "premium", "gifted", "paid", "paying", "free", "comped", "complimentary", "live"),
    *("granted", "accepted", "allowed", "deliverable", "verified", "valid", "ok", "member", "current", "abonniert"),
    *("angemeldet", "abonne", "inscrit", "suscrito", "activo", "aktiv", "actif", "trialed", "trialing", "agreed"),
}
_LEFT = {
    *("cleaned", "inactive", "disabled", "suppressed", "deleted", "removed", "archived", "cancelled", "canceled"),
    *("declined", "rejected", "pending", "unconfirmed", "unactivated", "unverified", "invalid", "transactional"),
    *("forgotten", "permanently deleted", "left", "former", "stopped", "deactivated", "dead", "denied", "revoked"),
    *("withdrawn", "erased", "blocked", "banned", "spam", "abuse", "never", "by user", "by bounces", "by moderator"),
    *("by admin", "bounced", "bounce", "complained", "complaint", "inaktiv", "inactif", "inactivo", "gesperrt"),
    *("excluded", "awaiting confirmation", "waiting for confirmation", "reported", "opposed", "objected"),
}
_SURE = re.compile(  # in whatever column it stands
    r"unsub(scribed?|bed)?|unsubscribed .*|opt(ed)? ?out|opted out .*|(block|black) ?listed|hard ?bounced?|bounced? hard"
    r"|(marked|reported) (as )?(spam|abuse)|spam (complaint|report)|undeliverable|do ?not ?(e ?mail|mail|contact|send)"
    r"|(not|never|non|no longer) ?(subscribed|opted in|active|confirmed|verified|deliverable)"
    r"|abgemeldet|desabonnee?|desinscrite?"
)
_HINT = re.compile("unsub|out|list|bounc|spam|abuse|undeliv|not|non|never|no longer|abgemeldet|sabon|sinsc")
_DAY = re.compile(
    r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}([ T].*)?|\d{9,14}|[A-Za-z]{3,9},? .*\d{4}.*|\d{1,2}\.? [A-Za-z]{3,9}.* \d{4}.*"
)
_NO_DAY = re.compile(r"0{1,4}[-/.]0{1,2}[-/.]0{1,4}.*|0001-01-01.*")  # what a database writes for "never"


def may_tell(text: str) -> bool:
    """Can there be a word in it that leaves no doubt? A quick no for most of a million cells."""
    return _HINT.search(text.lower()) is not None


def said(column: Column, name: str, value: str) -> Said:
    """What a cell says.

    name    of the column
    value   as the file has it
    """
    if column is Column.OTHER and not may_tell(value):
        return Said.NOTHING
    text = value.strip()
    words = _MARKS.get(text) or folded(text)
    is_empty = words in _EMPTY
    if not is_empty and _SURE.fullmatch(words):
        return Said.LEFT
    if column is Column.OTHER:
        return Said.LEFT if any(_SURE.fullmatch(folded(part)) for part in _parts(text)) else Said.NOTHING
    if is_empty or _NO_DAY.fullmatch(text):
        return Said.NOTHING
    if column is Column.CONSENT:
        return Said.LEFT if words in _NO or words in _LEFT else Said.NOTHING
    if column is Column.LEAVING:
        return _leaving(name, text, words)
    if words in _LEFT:
        return Said.LEFT
    if words in _WANTS:
        return Said.WANTS
    return _answer(column, text, words)


def _parts(text: str) -> list[str]:
    return re.split(r"[,;|]", text) if any(mark in text for mark in ",;|") else []


def _leaving(name: str, text: str, words: str) -> Said:
    if words in _NO or words in _WANTS:
        return Said.NOTHING
    if words in _YES or words in _LEFT or _DAY.fullmatch(text) or is_reason(name):
        return Said.LEFT
    return Said.UNCLEAR


def _answer(column: Column, text: str, words: str) -> Said:
    """Yes, no, or a day. A status of 1 or 0 means one thing here and another there."""
    if column in (Column.WANTING, Column.WANTING_SINCE) and _DAY.fullmatch(text):
        return Said.WANTS
    if column is Column.MAYBE or (column is Column.STATUS and words.isdigit()):
        return Said.UNCLEAR
    if words in _YES:
        return Said.WANTS
    return Said.LEFT if words in _NO else Said.UNCLEAR
