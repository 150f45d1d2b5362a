"""What one link in a mail does, in words: /c/TOKEN/mute/topics/health."""

from __future__ import annotations

from dataclasses import dataclass, replace

from digest.audience.choosing import SWITCHES, Wanted, switched, unknown_topics
from digest.errors import BadInput
from digest.model.article import slug
from digest.model.choices import Choices, Kind, offered
from digest.model.newsletter import Newsletter
from digest.web.choosing.words import KIND_NAMES, name_of_author, name_of_topic

MAX_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """{0} is the topic, the author or the kind."""

    ask: str
    button: str
    on: str
    heading_on: str
    off: str
    heading_off: str


_ONLY = "Who follows something gets only that, and what the editor or other readers recommend."

WORDS = {
    "mute/topics": Words(
        ask="You will get no more articles about {0}.",
        button="Mute {0}",
        on="You get no more articles about {0}.",
        heading_on="{0} is muted",
        off="Articles about {0} come like all others.",
        heading_off="{0} is not muted",
    ),
    "mute/authors": Words(
        ask="You will get no more articles by {0}.",
        button="Mute {0}",
        on="You get no more articles by {0}.",
        heading_on="{0} is muted",
        off="Articles by {0} come like all others.",
        heading_off="{0} is not muted",
    ),
    "mute/kinds": Words(
        ask="{0} will not be added to your mails any more. Articles that are for you anyway still come.",
        button="Leave them out",
        on="{0} are not added to your mails any more. Articles that are for you anyway still come.",
        heading_on="{0} are left out",
        off="{0} are added to your mails.",
        heading_off="{0} come again",
    ),
    "follow/topics": Words(
        ask="You will get the articles about {0}. " + _ONLY,
        button="Follow {0}",
        on="You get the articles about {0}. " + _ONLY,
        heading_on="You follow {0}",
        off="You do not follow {0}.",
        heading_off="{0} is not followed",
    ),
    "follow/authors": Words(
        ask="You will get the articles by {0}. " + _ONLY,
        button="Follow {0}",
        on="You get the articles by {0}. " + _ONLY,
        heading_on="You follow {0}",
        off="You do not follow {0}.",
        heading_off="{0} is not followed",
    ),
    "fewer/topics": Words(
        ask="You will get at most one article about {0} in each mail.",
        button="Fewer of these",
        on="You get at most one article about {0} in each mail.",
        heading_on="Fewer about {0}",
        off="Articles about {0} are not limited to one in each mail.",
        heading_off="{0} is not limited",
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

    def label(self, newsletter: Newsletter) -> str:
        if self.what == "kinds":
            return KIND_NAMES[Kind(self.name)]
        return name_of_author(self.name) if self.what == "authors" else name_of_topic(newsletter, self.name)

    def words(self, newsletter: Newsletter) -> dict[str, str]:
        words, label = WORDS[f"{self.verb}/{self.what}"], self.label(newsletter)
        return {name: getattr(words, name).replace("{0}", label) for name in Words.__slots__}

    def said(self, choices: Choices, newsletter: Newsletter) -> tuple[str, str]:
        """What is true now: a heading and a sentence."""
        words = self.words(newsletter)
        if self.is_on(choices):
            return words["heading_on"], words["on"]
        others = [replace(self, verb=verb) for verb in SWITCHES if verb != self.verb and self.what in SWITCHES[verb]]
        for other in others:
            if other.is_on(choices):
                words = other.words(newsletter)
                return words["heading_on"], words["on"]
        return words["heading_off"], words["off"]

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

    def switch(self, wanted: Wanted, newsletter: Newsletter) -> Wanted:
        """BadInput where it would have no effect."""
        if not self.is_offered(newsletter):
            raise BadInput(f"{newsletter.title} does not offer that any more.")
        return replace(wanted, choices=switched(wanted.choices, self.verb, self.what, self.name))

    def undo(self, wanted: Wanted, back: str) -> Wanted:
        """Off again; and what it had ended is on again."""
        choices = switched(wanted.choices, self.verb, self.what, self.name, on=False)
        if back != self.verb and self.what in SWITCHES.get(back, {}):
            choices = switched(choices, back, self.what, self.name)
        return replace(wanted, choices=choices)
