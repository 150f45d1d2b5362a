"""A notice in the reader's language: its words, and the template "notice" that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from digest.model.address import clean_line
from digest.model.newsletter import Look
from digest.model.notice import NoticeKind
from digest.model.rendering import RenderedCopy
from digest.render.environment import TemplateEnvironment
from digest.render.html import HTML, SUBJECT, TEXT, guarded
from digest.render.inline import inline, lint
from digest.render.words import words_of
from digest.words import direction_of
from digest.words import gettext_noop as _

TEMPLATE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """What a kind of notice says; %(newsletter)s is the title of the newsletter that it is about."""

    subject: str
    heading: str
    paragraphs: tuple[str, ...]
    action: str = ""


PHRASES: Mapping[NoticeKind, Phrases] = {
    NoticeKind.TEST: Phrases(
        subject=_("A test message"),
        heading=_("This is a test"),
        paragraphs=(_("Messages that are no newsletter come to you like this one. There is nothing for you to do."),),
    ),
    NoticeKind.CONFIRM: Phrases(
        subject=_("Please confirm: %(newsletter)s"),
        heading=_("Do you want %(newsletter)s?"),
        paragraphs=(
            _("Somebody asked for %(newsletter)s with this e-mail address."),
            _("If it was you, please confirm. If it was not, do nothing, and we will not write to you again."),
        ),
        action=_("Confirm"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeInputs:
    """What a notice is rendered from. Nothing of it was typed by a stranger.

    newsletter     the title of the newsletter that it is about, or ""
    sender         who writes, in the last line
    url            where its button leads; "" where it has none
    look           of the newsletter, for the button
    files          template name -> source, with the words (render/files.py)
    """

    kind: NoticeKind
    language: str
    newsletter: str = ""
    sender: str
    postal_address: str = ""
    url: str = ""
    look: Look = field(default_factory=Look)
    files: Mapping[str, str]


def render_notice(of: NoticeInputs) -> RenderedCopy:
    """RenderFailed says what is wrong with the template, and where."""
    words, phrases = words_of(of.language, of.files), PHRASES[of.kind]

    def say(phrase: str) -> str:
        return words.gettext(phrase, newsletter=of.newsletter)

    subject = clean_line(say(phrases.subject))
    values = {
        "lang": of.language,
        "dir": direction_of(of.language),
        "notice": {
            "subject": subject,
            "heading": say(phrases.heading),
            "paragraphs": [say(each) for each in phrases.paragraphs],
            "action": say(phrases.action) if phrases.action else "",
            "url": of.url,
            "sender": of.sender,
            "postal_address": of.postal_address,
            "accent": of.look.accent,
            "accent_ink": of.look.accent_ink,
            "accent_dark": of.look.accent_dark,
            "accent_dark_ink": of.look.accent_dark_ink,
        },
    }
    environment = TemplateEnvironment(of.files, words)
    made = {}
    for name in (SUBJECT, HTML, TEXT):
        environment.meter.begin()
        made[name] = guarded(lambda name=name: environment.get_template(name).render(values), name)  # type: ignore[misc]
    lint(made[HTML], template=HTML)
    return RenderedCopy(subject=clean_line(made[SUBJECT]), html=inline(made[HTML]), text=made[TEXT])
