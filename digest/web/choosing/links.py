"""What one link in a mail does, in words: /c/TOKEN/mute/topics/health."""

from __future__ import annotations

from dataclasses import dataclass, replace

from digest.audience.choosing import SWITCHES, Wanted, switched, unknown_topics
from digest.errors import BadInput
from digest.model.article import slug
from digest.model.choices import Choices, Kind, offered
from digest.model.newsletter import Newsletter
from digest.web.choosing.words import KIND_NAMES, name_of_author, name_of_topic
from digest.words import Words
from digest.words import gettext_noop as _

MAX_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """%(name)s is the topic, the author or the kind."""

    ask: str
    button: str
    on: str
    heading_on: str
    off: str
    heading_off: str


ONLY = _("Who follows something gets only that, and what the editor or other readers recommend.")

PHRASES = {
    "mute/topics": Phrases(
        ask=_("You will get no more articles about %(name)s."),
        button=_("Mute %(name)s"),
        on=_("You get no more articles about %(name)s."),
        heading_on=_("%(name)s is muted"),
        off=_("Articles about %(name)s come like all others."),
        heading_off=_("%(name)s is not muted"),
    ),
    "mute/authors": Phrases(
        ask=_("You will get no more articles by %(name)s."),
        button=_("Mute %(name)s"),
        on=_("You get no more articles by %(name)s."),
        heading_on=_("%(name)s is muted"),
        off=_("Articles by %(name)s come like all others."),
        heading_off=_("%(name)s is not muted"),
    ),
    "mute/kinds": Phrases(
        ask=_("%(name)s will not be added to your mails any more. Articles that are for you anyway still come."),
        button=_("Leave them out"),
        on=_("%(name)s are not added to your mails any more. Articles that are for you anyway still come."),
        heading_on=_("%(name)s are left out"),
        off=_("%(name)s are added to your mails."),
        heading_off=_("%(name)s come again"),
    ),
    "follow/topics": Phrases(
        ask=_("You will get the articles about %(name)s."),
        button=_("Follow %(name)s"),
        on=_("You get the articles about %(name)s."),
        heading_on=_("You follow %(name)s"),
        off=_("You do not follow %(name)s."),
        heading_off=_("%(name)s is not followed"),
    ),
    "follow/authors": Phrases(
        ask=_("You will get the articles by %(name)s."),
        button=_("Follow %(name)s"),
        on=_("You get the articles by %(name)s."),
        heading_on=_("You follow %(name)s"),
        off=_("You do not follow %(name)s."),
        heading_off=_("%(name)s is not followed"),
    ),
    "fewer/topics": Phrases(
        ask=_("You will get at most one article about %(name)s in each mail."),
        button=_("Fewer of these"),
        on=_("You get at most one article about %(name)s in each mail."),
        heading_on=_("Fewer about %(name)s"),
        off=_("Articles about %(name)s are not limited to one in each mail."),
        heading_off=_("%(name)s is not limited"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """verb/what/name, of which the name is a slug."""

    verb: str
    what: str
    name: str

    @classmethod
    def parse(cls, verb: str, what: str, name: str) -> Link:
        """BadInput for a switch that there is not."""
        if len(name) > MAX_NAME:
            raise BadInput(f"a name of {len(name)} characters; at most {MAX_NAME}")
        switched(Choices(), verb, what, name)
        return cls(verb=verb, what=what, name=slug(name))

    def label(self, newsletter: Newsletter, words: Words) -> str:
        if self.what == "kinds":
            return words.gettext(KIND_NAMES[Kind(self.name)])
        return name_of_author(self.name) if self.what == "authors" else name_of_topic(newsletter, self.name)

    def phrases(self, newsletter: Newsletter, words: Words) -> dict[str, str]:
        """Each of Phrases in the reader's language; those of a switch that narrows the mail say so."""
        phrases, label = PHRASES[f"{self.verb}/{self.what}"], self.label(newsletter, words)
        found = {name: words.gettext(getattr(phrases, name), name=label) for name in Phrases.__slots__}
        if self.verb == "follow":
            found |= {name: f"{found[name]} {words.gettext(ONLY)}" for name in ("ask", "on")}
        return found

    def said(self, choices: Choices, newsletter: Newsletter, words: Words) -> tuple[str, str]:
        """What is true now: a heading and a sentence."""
        phrases = self.phrases(newsletter, words)
        if self.is_on(choices):
            return phrases["heading_on"], phrases["on"]
        others = [replace(self, verb=verb) for verb in SWITCHES if verb != self.verb and self.what in SWITCHES[verb]]
        for other in others:
            if other.is_on(choices):
                phrases = other.phrases(newsletter, words)
                return phrases["heading_on"], phrases["on"]
        return phrases["heading_off"], phrases["off"]

    def is_on(self, choices: Choices) -> bool:
        return self.name in getattr(choices, SWITCHES[self.verb][self.what])

    def is_offered(self, newsletter: Newsletter) -> bool:
        """Would it have any effect?"""
        alone = switched(Choices(), self.verb, self.what, self.name)
        is_known = self.verb != "follow" or not unknown_topics(alone, newsletter)
        return is_known and offered(alone, newsletter.offer) == alone

    def taken_back(self, choices: Choices) -> str:
        """The verb that this link would end; undoing it brings that back."""
        after = switched(choices, self.verb, self.what, self.name)
        others = [replace(self, verb=verb) for verb in SWITCHES if verb != self.verb and self.what in SWITCHES[verb]]
        return next((link.verb for link in others if link.is_on(choices) and not link.is_on(after)), "")

    def switch(self, wanted: Wanted, newsletter: Newsletter, words: Words) -> Wanted:
        """BadInput where it would have no effect."""
        if not self.is_offered(newsletter):
            raise BadInput(words.gettext("%(newsletter)s does not offer that any more.", newsletter=newsletter.title))
        return replace(wanted, choices=switched(wanted.choices, self.verb, self.what, self.name))

    def undo(self, wanted: Wanted, back: str) -> Wanted:
        """Off again; and what it had ended is on again."""
        choices = switched(wanted.choices, self.verb, self.what, self.name, on=False)
        if back != self.verb and self.what in SWITCHES.get(back, {}):
            choices = switched(choices, back, self.what, self.name)
        return replace(wanted, choices=choices)
