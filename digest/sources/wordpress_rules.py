"""What plugins of a WordPress site change: addresses of other languages, and who may read a text. Pure; wordpress.py asks.

Who may read            where it stands
Paid Memberships Pro    tables pmpro_memberships_pages and pmpro_memberships_categories
Restrict Content Pro    postmeta rcp_subscription_level, rcp_access_level, rcp_user_level, _is_paid; termmeta
                        rcp_restricted_meta; option rcp_restricted_post_types
MemberPress             posts of type memberpressrule with _mepr_rules_type and _mepr_rules_content; not rules by address
WooCommerce Memberships option wc_memberships_rules; postmeta _wc_memberships_force_public opens a post
others                  postmeta of Jetpack's newsletter, Members, Paid Member Subscriptions, Ultimate Member
in a text               shortcodes and blocks around what members see; all behind Jetpack's paywall

Languages               Polylang: option polylang, terms of taxonomy language
                        WPML: option icl_sitepress_settings, table icl_translations

source   the plugins' documentation and public source
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from digest.sources import php
from digest.sources.dedupe import is_web_url

# --- languages -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageUrls:
    """How addresses of other languages are made.

    way        "folder", "subdomain", "domain", "parameter", or "" where addresses say nothing of it
    default    the language that is not said, where is_default_hidden
    before     what stands before the language in a folder: Polylang may have /language/de/
    domains    language -> address of its site
    """

    way: str = ""
    default: str = ""
    is_default_hidden: bool = True
    before: str = ""
    domains: Mapping[str, str] = field(default_factory=dict)


def language_urls_of(said: Mapping[str, str]) -> LanguageUrls:
    """By the options of Polylang, else of WPML."""
    if polylang := php.array_of(said.get("polylang", "")):
        return LanguageUrls(
            way={"1": "folder", "2": "subdomain", "3": "domain"}.get(str(polylang.get("force_lang")), ""),
            default=str(polylang.get("default_lang") or ""),
            is_default_hidden=_is_on(polylang.get("hide_default")),
            before="" if _is_on(polylang.get("rewrite", 1)) else "language/",
            domains=_domains(polylang.get("domains")),
        )
    wpml = php.array_of(said.get("icl_sitepress_settings", ""))
    urls = wpml.get("urls") or {}
    return LanguageUrls(
        way={"1": "folder", "2": "domain", "3": "parameter"}.get(str(wpml.get("language_negotiation_type")), ""),
        default=str(wpml.get("default_language") or ""),
        is_default_hidden=not (isinstance(urls, dict) and _is_on(urls.get("directory_for_default_language"))),
        domains=_domains(wpml.get("language_domains")),
    )


def in_its_language(url: str, home: str, language: str, language_urls: LanguageUrls) -> str:
    """The address of a post of that language, of which `url` is what the site would say without the plugin."""
    if (
        not language
        or not url.startswith(home)
        or (language_urls.is_default_hidden and language == language_urls.default)
    ):
        return url
    path = url[len(home) :].lstrip("/")
    if language_urls.way == "parameter":
        return f"{url}{'&' if '?' in url else '?'}lang={language}"
    if language_urls.way == "domain" and language in language_urls.domains:
        return f"{language_urls.domains[language]}/{path}"
    if path.startswith("?"):  # by its number, and so in whatever language it is
        return url
    if language_urls.way == "folder":
        return f"{home}/{language_urls.before}{language}/{path}"
    if language_urls.way == "subdomain":
        scheme, _, rest = home.partition("://")
        return f"{scheme}://{language}.{rest.removeprefix('www.')}/{path}"
    return url


def _is_on(value: object) -> bool:
    return str(value).lower() not in ("", "0", "false", "none", "no")


def _domains(given: object) -> dict[str, str]:
    named = {str(key): str(value).rstrip("/") for key, value in given.items()} if isinstance(given, dict) else {}
    found = {key: value if "://" in value else f"https://{value}" for key, value in named.items()}
    return {key: value for key, value in found.items() if is_web_url(value)}


# --- who may read ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one plugin keeps for members.

    posts   by their number
    terms   by number or slug, as texts
    types   all posts of these types, but some
    opens   the key of postmeta that opens a post all the same
    """

    posts: frozenset[int] = frozenset()
    terms: frozenset[str] = frozenset()
    types: Mapping[str, frozenset[int]] = field(default_factory=dict)
    opens: str = ""

    def keeps(self, number: int, post_type: str, terms: Iterable[Any], meta: Mapping[str, str]) -> bool:
        if self.opens and meta.get(self.opens) == "yes":
            return False
        if number in self.posts or (post_type in self.types and number not in self.types[post_type]):
            return True
        return any(str(each.term_id) in self.terms or each.slug in self.terms for each in terms)


def _says_more_than(*nothing: str) -> Callable[[str], bool]:
    def says(value: str) -> bool:
        found = [str(each) for each in php.array_of(value).values()] if value.startswith("a:") else [value]
        return any(each.strip().lower() not in ("", *nothing) for each in found)

    return says


def _is_for_users(value: str) -> bool:
    """Ultimate Member: 2 is "logged in users only"."""
    said = php.array_of(value)
    return _is_on(said.get("_um_custom_access_settings", "")) and str(said.get("_um_accessible")) == "2"


_KEEPING: Mapping[str, Callable[[str], bool]] = {
    "rcp_subscription_level": _says_more_than("all"),
    "rcp_access_level": _says_more_than("none", "0"),
    "rcp_user_level": _says_more_than("all", "none"),
    "_is_paid": _says_more_than("0"),
    "rcUserLevel": _says_more_than("none"),
    "_jetpack_newsletter_access": _says_more_than("everybody"),
    "_members_access_role": _says_more_than(),
    "pms-content-restrict-subscription-plan": _says_more_than("0"),
    "pms-content-restrict-user-status": _says_more_than("loggedout"),
    "um_content_restriction": _is_for_users,
}
META = (*_KEEPING, "_wc_memberships_force_public")


def is_for_members(
    number: int, post_type: str, terms: Sequence[Any], meta: Mapping[str, str], rules: Sequence[Rule]
) -> bool:
    if any(key in meta and keeps(meta[key]) for key, keeps in _KEEPING.items()):
        return True
    return any(rule.keeps(number, post_type, terms, meta) for rule in rules)


def rule_of_woocommerce(option: str) -> Rule:
    posts: set[int] = set()
    terms: set[str] = set()
    types: dict[str, frozenset[int]] = {}
    for each in php.array_of(option).values():
        if not isinstance(each, dict) or each.get("rule_type") != "content_restriction":
            continue
        if not _is_on(each.get("active", "yes")):
            continue
        ids = (
            {str(id_) for id_ in (each.get("object_ids") or {}).values()}
            if isinstance(each.get("object_ids"), dict)
            else set()
        )
        if each.get("content_type") == "taxonomy":
            terms |= ids
        elif ids:
            posts |= {int(id_) for id_ in ids if id_.isdigit()}
        else:
            types[str(each.get("content_type_name"))] = frozenset()
    return Rule(posts=frozenset(posts), terms=frozenset(terms), types=types, opens="_wc_memberships_force_public")


def rule_of_restrict_content(option: str, terms: Iterable[tuple[int, str]]) -> Rule:
    """`terms` with their rcp_restricted_meta."""
    types = {str(name): frozenset[int]() for name, value in php.array_of(option).items() if value}
    return Rule(terms=frozenset(str(term) for term, value in terms if php.array_of(value)), types=types)


def rule_of_memberpress(rules: Iterable[Mapping[str, str]], post_types: Sequence[str]) -> Rule:
    """Each with _mepr_rules_type and _mepr_rules_content; those for all but some say which in their content."""
    posts: set[int] = set()
    terms: set[str] = set()
    types: dict[str, frozenset[int]] = {}
    for rule in rules:
        kind, content = rule.get("_mepr_rules_type", ""), rule.get("_mepr_rules_content", "")
        numbers = frozenset(int(each) for each in re.findall(r"\d{1,18}", content))
        if kind == "all":
            types |= dict.fromkeys(post_types, numbers)
        elif kind.startswith("single_"):
            posts |= numbers
        elif kind in ("category", "tag", "tax_category||cpt_post", "tax_post_tag||cpt_post"):
            terms.add(content.strip())
        elif kind.startswith("all_"):
            types[{"all_posts": "post"}.get(kind, kind.removeprefix("all_"))] = numbers
    return Rule(posts=frozenset(posts), terms=frozenset(terms), types=types)


# --- in a text -------------------------------------------------------------------------------------------------------

_SHORTCODES = re.compile(
    r"\[(membership|restrict|is_paid|is_free|mepr-show|mepr-active|wcm_restrict|members_access|members_logged_in|"
    r"pms-restrict|um_loggedin|ihc-hide-content|s2If|memberful|private|members_only|memberonly)\b[^\[\]]*\]",
    re.I,
)
_BLOCKS = re.compile(
    r"<!--\s*wp:(pmpro/membership|memberpress/protected-content|jetpack/premium-content/container|"
    r"rcp/restrict-content|members/[a-z-]+|woocommerce-memberships/member-content)\b[^<>]*?-->",
    re.I,
)
_PAYWALL = re.compile(r"<!--\s*wp:jetpack/paywall\b")


def without_what_members_see(text: str) -> str:
    """Without what stands in shortcodes and blocks for members, and behind a paywall."""
    if "[" in text:
        text = _without(text, _SHORTCODES, lambda name: rf"\[/{re.escape(name)}\s*\]")
    if "<!--" in text:
        found = _PAYWALL.search(text)
        text = text[: found.start()] if found else text
        text = _without(text, _BLOCKS, lambda name: rf"<!--\s*/wp:{re.escape(name)}\s*-->")
    return text


def _without(text: str, opening: re.Pattern[str], closing: Callable[[str], str]) -> str:
    """One that is not closed hides all that follows, as its plugin would have it."""
    parts: list[str] = []
    at = 0
    while found := opening.search(text, at):
        parts += text[at : found.start()], " "
        end = re.compile(closing(found[1]), re.I).search(text, found.end())
        if end is None:
            return "".join(parts)
        at = end.end()
    return "".join((*parts, text[at:])) if parts else text
