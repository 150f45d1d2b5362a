"""What stands in addresses for whoever counts visitors, and names no other page. Pure.

A table of our own: of the rules that are kept elsewhere, ClearURLs' and AdGuard's also take away what names a page on other
sites (`source`, `ref`, `keyword`), and here a name too many makes two stories one, while one too few costs a repeat.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_FAMILIES = {
    "utm": "Google Analytics: Collect campaign data with custom URLs",
    "pk piwik mtm matomo": "Matomo: Campaign tracking, names of the parameters; Piwik as it was called",
    "ns": "comScore Digital Analytix, as European broadcasters use it",
    "at": "Piano Analytics (AT Internet): Campaigns, at_medium, at_campaign ...",
    "wt": "Mapp (Webtrekk): Campaign tracking, wt_mc and its kin",
    "mc": "Mailchimp: e-commerce and e-mail tracking, mc_cid, mc_eid",
    "vero": "Vero: vero_id, vero_conv",
    "oly": "Omeda Olytics",
    "hsa": "HubSpot: ads",
    "fb_action": "Meta: links out of its apps",
    "trk": "Listrak",
}
"""Beginnings of names, before `_`, with who documents them."""

_NAMES = {
    "gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid _gl _ga": "Google Ads, Analytics, Merchant Center",
    "fbclid fb_source fb_ref igsh igshid mibextid": "Meta",
    "msclkid": "Microsoft Advertising",
    "yclid ymclid ysclid _openstat": "Yandex",
    "twclid ref_src ref_url __twitter_impression": "X",
    "ttclid": "TikTok",
    "li_fat_id": "LinkedIn",
    "epik": "Pinterest",
    "sccid": "Snapchat",
    "rdt_cid": "Reddit",
    "s_cid sc_cid s_kwcid ef_id": "Adobe Analytics and Advertising: tracking codes",
    "_hsenc _hsmi __hstc __hssc __hsfp hsctatracking hss_channel": "HubSpot",
    "mkt_tok": "Marketo",
    "_kx _ke": "Klaviyo",
    "xtor": "AT Internet before Piano",
    "cmp cmpid icid ocid ncid": "codes of campaigns at the Guardian, Bloomberg, the BBC, MSN and AOL",
    "ito ftag ftcamp smid mbid": "... at the Mail, CBS, the Financial Times, the New York Times and Condé Nast",
    "tblci dicbo ob_click_id outbrainclickid": "Taboola and Outbrain",
    "irclickid irgwc": "impact.com",
    "rb_clickid wickedid _bta_tid _bta_c _branch_match_id __s": "Omeda, Wicked Reports, Bronto, Branch and Drip",
    "amp outputtype": "the page for telephones",
}

_FROM_FEED = re.compile(r"rss(?:[-_.].*|\d)?|feed|atom|newsletter", re.I)
"""Medium: `source=rss----...`; the New York Times: `partner=rss&emc=rss`; many: `ref=rss`."""

_MAY_BE_FROM_FEED = {"ref", "referrer", "source", "src", "from", "via", "partner", "emc", "origin", "medium"}
_YES = {"", "1", "yes", "true"}

_TRACKING = re.compile(
    rf"(?:{'|'.join(' '.join(_FAMILIES).split())})_.*|{'|'.join(map(re.escape, ' '.join(_NAMES).split()))}", re.I
)


def without_tracking(query: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters that tell one page of a site from another."""
    return [(name, value) for name, value in query if not _is_tracking(name, value)]


def _is_tracking(name: str, value: str) -> bool:
    if _TRACKING.fullmatch(name):
        return True
    name = name.lower()
    if name == "rss":
        return value.lower() in _YES
    return name in _MAY_BE_FROM_FEED and _FROM_FEED.fullmatch(value) is not None
