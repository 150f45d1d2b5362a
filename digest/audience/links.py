"""What readers' links are for, and where they lead. The one place that knows; mails and pages both take it from here.

purpose        subject        life       ends with      once   after its key was replaced
leave          subscription   no end     its key        no     holds: a mail of years ago must let its reader go
choose         subscription   no end     a new address  no     holds
feed           subscription   no end     a new address  no     holds: a reader's program asks for it for years
confirm        subscription   7 days     a new address  yes    over
login          account        15 min     a new sign-in  yes    over
bounce         delivery       30 days    its life       no     holds: a report comes when it comes
bounce-notice  notice         30 days    its life       no     holds
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from digest.audience.tokens import Keyring, Purpose
from digest.model.envelope import PLACEHOLDER

LEAVE = Purpose(name="leave", subject="subscription", outlives_key=True, has_old_form=True)
CHOOSE = Purpose(name="choose", subject="subscription", is_versioned=True, outlives_key=True, has_old_form=True)
FEED = Purpose(name="feed", subject="subscription", is_versioned=True, outlives_key=True)
CONFIRM = Purpose(name="confirm", subject="subscription", life=timedelta(days=7), is_versioned=True, is_single_use=True)
LOGIN = Purpose(name="login", subject="account", life=timedelta(minutes=15), is_versioned=True, is_single_use=True)
BOUNCE = Purpose(name="bounce", subject="delivery", life=timedelta(days=30), outlives_key=True, is_mailbox=True)
BOUNCE_NOTICE = Purpose(
    name="bounce-notice", subject="notice", life=timedelta(days=30), outlives_key=True, is_mailbox=True
)

PURPOSES = {each.name: each for each in (LEAVE, CHOOSE, FEED, CONFIRM, LOGIN, BOUNCE, BOUNCE_NOTICE)}

LEAVE_PATH, CHOOSE_PATH, CONFIRM_PATH, WEB_VIEW_PATH, IMAGE_PATH = "/u/", "/c/", "/confirm/", "/e/", "/i/"
"""What stands before the token, the key of an edition, the name of a picture; below the path of the site."""

HEALTH_PATH = "/health"
SITE_PATHS = (LEAVE_PATH, CHOOSE_PATH, WEB_VIEW_PATH, IMAGE_PATH, HEALTH_PATH)
SECRET_PATHS = (LEAVE_PATH, CHOOSE_PATH, WEB_VIEW_PATH)
"""Those whose addresses are for their readers alone."""


class Links:
    """Makes the links of one installation.

    base_url             "https://example.org/newsletter", without a slash at the end; "" where there is no public site
    unsubscribe_mailbox  "unsubscribe@example.org", to which a token is added (RFC 5233 subaddress); or ""
    return_path          "bounce+{token}@example.org", which reports of non-delivery come to; or ""
    keyring              empty where no link is made: of what everybody may see
    """

    def __init__(
        self,
        base_url: str = "",
        *,
        unsubscribe_mailbox: str = "",
        return_path: str = "",
        keyring: Keyring = Keyring(()),
    ) -> None:
        self.base_url, self.keyring = base_url, keyring
        self._mailbox, _, self._mailbox_domain = unsubscribe_mailbox.rpartition("@")
        self.has_return_path = bool(return_path)
        self._return_start, _, self._return_end = return_path.partition(PLACEHOLDER)
        self._leave_url, self._choose_url = base_url + LEAVE_PATH, base_url + CHOOSE_PATH
        if keyring.keys:
            self._sign_leave, self._sign_choose = keyring.signer(LEAVE), keyring.signer(CHOOSE)

    def leaving(self, subscription_id: int) -> tuple[str, str]:
        """URL and mailbox by which this subscription ends; "" for what there is not."""
        if not self.base_url and not self._mailbox:
            return "", ""
        token = self._sign_leave(subscription_id, 0)
        url = self._leave_url + token if self.base_url else ""
        return url, f"{self._mailbox}+{token}@{self._mailbox_domain}" if self._mailbox else ""

    def choosing(self, subscription_id: int, version: int) -> str:
        """The page on which this reader chooses; "" where there is no public site.

        version   of the reader's links (Subscriber.link_version)
        """
        return self._choose_url + self._sign_choose(subscription_id, version) if self.base_url else ""

    def web_view(self, public_key: str) -> str:
        """The page of an edition, for everybody."""
        return f"{self.base_url}{WEB_VIEW_PATH}{public_key}" if self.base_url else ""

    def return_path(self, purpose: Purpose, subject: int, *, now: datetime) -> str:
        """MAIL FROM of one delivery (BOUNCE) or notice (BOUNCE_NOTICE), by which a report of it is known again.

        now   of the message
        """
        return self._return_start + self.keyring.sign(purpose, subject, now=now) + self._return_end

    def read_return_path(self, address: str, *, now: datetime) -> tuple[Purpose, int] | None:
        """The purpose (BOUNCE or BOUNCE_NOTICE) and the number of what was sent with this return path; None for any other
        address, one that is no longer believed, and one that somebody made up. Case does not matter."""
        lowered, start, end = address.strip().lower(), self._return_start.lower(), self._return_end.lower()
        if not (self.has_return_path and lowered.startswith(start) and lowered.endswith(end)):
            return None
        token = lowered[len(start) : len(lowered) - len(end)]
        for purpose in (BOUNCE, BOUNCE_NOTICE):
            if (claim := self.keyring.read(purpose, token, now=now)) is not None:
                return purpose, claim.subject
        return None

    @property
    def images(self) -> str:
        """What stands before the name of a picture."""
        return self.base_url + IMAGE_PATH


def path_of(base_url: str) -> str:
    """ "/newsletter" for https://example.org/newsletter, as a server reads it: without %XX; "" where the site has none."""
    return unquote(urlsplit(base_url).path).rstrip("/")
