"""WordPress as its common plugins change it: authors, languages, addresses, pictures, and who may read."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, event

from digest.errors import BadInput
from digest.model.article import Article, Image
from digest.model.source import Cursor
from digest.sources import wordpress
from digest.sources.fetch import Fetcher
from digest.sources.kinds import options_of
from digest.sources.php import array_of, read_php
from digest.sources.wordpress_rules import without_what_members_see
from tests.mariadb import MysqlSite
from tests.sources.wordpress_site import NOW, WordPress

HOME = "https://harbourpost.example"


@pytest.fixture
def site(mysql_site: MysqlSite) -> WordPress:
    return WordPress(mysql_site.engine, mysql_site.url)


def articles(site: WordPress, **values: Any) -> list[Article]:
    pages = wordpress.pages(site.options(**values), Cursor(), now=NOW, fetcher=Fetcher())
    return [article for page in pages for article in page.articles]


def only(site: WordPress, **values: Any) -> Article:
    (article,) = articles(site, **values)
    return article


def made(site: WordPress, name: str, columns: str) -> None:
    with site.engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {site.own}{name} ({columns})")


def put(site: WordPress, name: str, **values: object) -> None:
    with site.engine.begin() as connection:
        columns = ", ".join(values)
        marks = ", ".join(["%s"] * len(values))
        connection.exec_driver_sql(f"INSERT INTO {site.own}{name} ({columns}) VALUES ({marks})", tuple(values.values()))


def php(value: object) -> str:
    """As PHP's serialize() writes it."""
    if isinstance(value, bool):
        return f"b:{int(value)};"
    if isinstance(value, int):
        return f"i:{value};"
    if isinstance(value, str):
        return f's:{len(value.encode())}:"{value}";'
    if isinstance(value, list):
        value = dict(enumerate(value))
    assert isinstance(value, dict)
    inside = "".join(php(key) + php(each) for key, each in value.items())
    return f"a:{len(value)}:{{{inside}}}"


# --- authors ---------------------------------------------------------------------------------------------------------


def guest(site: WordPress, slug: str, name: str) -> int:
    number = site.post(name, post_type="guest-author", post_name=f"cap-{slug}")
    site.meta(number, **{"cap-display_name": name, "cap-user_login": slug})
    return site.term(slug, "author", slug=f"cap-{slug}")


def test_a_guest_of_co_authors_plus_is_the_author(site: WordPress) -> None:
    post = site.post("One", post_author=site.user("Site Admin"))
    site.tie(post, guest(site, "mara-lind", "Mara Lind"))
    assert only(site).authors == ("Mara Lind",)
    assert only(site).topics == ()


def test_several_authors_stand_in_their_order_users_among_them(site: WordPress) -> None:
    post = site.post("One", post_author=site.user("Site Admin"))
    ana = site.user("Ana Lee")
    assert ana
    by_plugin = site.term("ana lee", "author", slug="cap-ana-lee")
    site.tie(post, guest(site, "zoe", "Zoë Ørn"), by_plugin, guest(site, "mara-lind", "Mara Lind"))
    assert only(site).authors == ("Zoë Ørn", "Ana Lee", "Mara Lind")


def test_old_terms_without_a_mark_and_those_of_another_plugin(site: WordPress) -> None:
    site.user("Ana Lee")
    post = site.post("One", post_author=site.user("Site Admin"))
    site.tie(post, site.term("analee", "author", slug="ana-lee"), site.term("Mara Lind", "author", slug="mara-lind"))
    assert only(site).authors == ("Ana Lee", "Mara Lind")


def test_an_author_that_nobody_knows_leaves_the_site_s_own(site: WordPress) -> None:
    post = site.post("One", post_author=site.user("Ana Lee"))
    site.tie(post, site.term("gone", "author", slug="cap-gone"))
    assert only(site).authors == ("Ana Lee",)


# --- languages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "german", "english"),
    [
        ({"force_lang": 1, "hide_default": True, "rewrite": True}, "/de/2026/11/post/", "/2026/11/post/"),
        ({"force_lang": 1, "hide_default": 1, "rewrite": 1}, "/de/2026/11/post/", "/2026/11/post/"),
        ({"force_lang": 1, "hide_default": False, "rewrite": True}, "/de/2026/11/post/", "/en/2026/11/post/"),
        (
            {"force_lang": 1, "hide_default": 0, "rewrite": 0},
            "/language/de/2026/11/post/",
            "/language/en/2026/11/post/",
        ),
        ({"force_lang": 0, "hide_default": True}, "/2026/11/post/", "/2026/11/post/"),
        ({"force_lang": 2, "hide_default": True}, "https://de.harbourpost.example/2026/11/post/", "/2026/11/post/"),
        (
            {"force_lang": 3, "hide_default": True, "domains": {"de": "https://hafenpost.example", "en": HOME}},
            "https://hafenpost.example/2026/11/post/",
            "/2026/11/post/",
        ),
    ],
)
def test_polylang(site: WordPress, said: dict[str, object], german: str, english: str) -> None:
    said = {"browser": 0, "sync": [], "default_lang": "en", **said}
    site.add("options", option_name="polylang", option_value=php(said))
    for name, wanted in (("de", german), ("en", english)):
        post = site.post(f"In {name}", post_name="post")
        site.tie(post, site.term(name, "language", slug=name))
        article = next(each for each in articles(site) if each.key == str(post))
        assert article.url == (wanted if "://" in wanted else HOME + wanted)
        assert article.language == name


@pytest.mark.parametrize(
    ("said", "german", "english"),
    [
        ({"language_negotiation_type": 1}, "/de/2026/11/post/", "/2026/11/post/"),
        (
            {"language_negotiation_type": "1", "urls": {"directory_for_default_language": 1}},
            "/de/2026/11/post/",
            "/en/2026/11/post/",
        ),
        ({"language_negotiation_type": 3}, "/2026/11/post/?lang=de", "/2026/11/post/"),
        (
            {"language_negotiation_type": 2, "language_domains": {"de": "hafenpost.example"}},
            "https://hafenpost.example/2026/11/post/",
            "/2026/11/post/",
        ),
    ],
)
def test_wpml(site: WordPress, said: dict[str, object], german: str, english: str) -> None:
    site.add("options", option_name="icl_sitepress_settings", option_value=php({"default_language": "en", **said}))
    made(site, "icl_translations", "element_type varchar(60), element_id bigint, trid bigint, language_code varchar(7)")
    for name, wanted in (("de", german), ("en", english)):
        post = site.post(f"In {name}", post_name="post")
        put(site, "icl_translations", element_type="post_post", element_id=post, trid=1, language_code=name)
        put(site, "icl_translations", element_type="tax_category", element_id=post, trid=2, language_code="fr")
        article = next(each for each in articles(site) if each.key == str(post))
        assert article.url == (wanted if "://" in wanted else HOME + wanted)
        assert article.language == name


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meta", "wanted"),
    [
        ({"_links_to": "https://elsewhere.example/ferry"}, "https://elsewhere.example/ferry"),
        ({"_links_to": "/other/ferry/"}, f"{HOME}/other/ferry/"),
        ({"_links_to": "javascript:alert(1)"}, f"{HOME}/2026/11/one/"),
        ({"_links_to": ""}, f"{HOME}/2026/11/one/"),
        ({"custom_permalink": "harbour/ferry/"}, f"{HOME}/harbour/ferry/"),
        ({"custom_permalink": "harbour/fähre"}, f"{HOME}/harbour/f%C3%A4hre"),
        (
            {"custom_permalink": "harbour/ferry/", "_yoast_wpseo_canonical": "https://elsewhere.example/one"},
            "https://elsewhere.example/one",
        ),
    ],
)
def test_an_address_that_somebody_wrote(site: WordPress, meta: dict[str, str], wanted: str) -> None:
    site.meta(site.post("One"), **meta)
    assert only(site).url == wanted


def test_permalink_manager(site: WordPress) -> None:
    one, two = site.post("One"), site.post("Two")
    assert two
    site.add("options", option_name="permalink-manager-uris", option_value=php({one: "harbour/ferry", "tax-3": "x"}))
    assert [each.url for each in articles(site)] == [f"{HOME}/harbour/ferry", f"{HOME}/2026/11/two/"]


# --- pictures --------------------------------------------------------------------------------------------------------

SHOWN = '<p>Text.</p><img src="/pixel.gif" width="1"><img src="https://cdn.example/a.jpg" alt="A ship">'


def test_the_first_picture_of_the_text_stands_for_the_one_that_is_not_featured(site: WordPress) -> None:
    site.post("One", post_content=SHOWN)
    assert only(site).image == Image(src="https://cdn.example/a.jpg", alt="A ship")
    assert only(site, picture="featured").image is None


def test_a_picture_from_elsewhere_goes_before_it_and_the_featured_one_before_both(site: WordPress) -> None:
    post = site.post("One", post_content=SHOWN)
    site.meta(post, fifu_image_url="https://far.example/b.jpg", fifu_image_alt="B")
    assert only(site).image == Image(src="https://far.example/b.jpg", alt="B")
    picture = site.post("Ship", post_type="attachment", post_status="inherit")
    site.meta(picture, _wp_attached_file="c.jpg")
    site.meta(post, _thumbnail_id=picture)
    assert only(site).image == Image(src=f"{HOME}/wp-content/uploads/c.jpg")


def test_the_option_is_checked() -> None:
    for kind in ("wordpress", "ghost"):
        with pytest.raises(BadInput, match="option picture: 'no'; there are: text, featured"):
            options_of(kind, {"url": "mysql://x", "home": HOME, "picture": "no"}, name="site")


# --- who may read ----------------------------------------------------------------------------------------------------

SECRET = '<p>For members, all of it.</p><img src="https://cdn.example/a.jpg">'
LEVELS = "membership_id int, page_id bigint"
KEPT = "membership_id int, category_id bigint"


@pytest.mark.parametrize(
    "meta",
    [
        {"rcp_subscription_level": "any-paid"},
        {"rcp_subscription_level": php(["1", "2"])},
        {"rcp_access_level": "3"},
        {"rcp_user_level": php(["subscriber"])},
        {"rcp_user_level": "Editor"},
        {"_is_paid": "1"},
        {"rcUserLevel": "Subscriber"},
        {"_jetpack_newsletter_access": "paid_subscribers"},
        {"_members_access_role": "subscriber"},
        {"pms-content-restrict-subscription-plan": "12"},
        {"um_content_restriction": php({"_um_custom_access_settings": "1", "_um_accessible": "2"})},
    ],
)
def test_a_text_for_members_is_not_shown(site: WordPress, meta: dict[str, str]) -> None:
    site.meta(site.post("One", post_content=SECRET), **meta)
    assert (only(site).title, only(site).summary, only(site).image) == ("One", "", None)


@pytest.mark.parametrize(
    "meta",
    [
        {"rcp_subscription_level": "all", "rcp_access_level": "None", "rcp_user_level": "All", "_is_paid": ""},
        {"rcp_user_level": php(["all"]), "rcp_access_level": "0"},
        {"rcUserLevel": "None"},
        {"_jetpack_newsletter_access": "everybody"},
        {"um_content_restriction": php({"_um_custom_access_settings": "0", "_um_accessible": "2"})},
    ],
)
def test_a_text_for_all_is(site: WordPress, meta: dict[str, str]) -> None:
    site.meta(site.post("One", post_content=SECRET), **meta)
    assert only(site).summary == "For members, all of it."


def test_what_a_writer_wrote_for_all_is_shown(site: WordPress) -> None:
    one = site.post("One", post_content=SECRET, post_excerpt="By hand.")
    two = site.post("Two", post_content=f'<p>Before.</p><img src="https://cdn.example/b.jpg"><!--more-->{SECRET}')
    for post in (one, two):
        site.meta(post, rcp_access_level="1")
    found = articles(site)
    assert [each.summary for each in found] == ["By hand.", "Before."]
    assert [each.image for each in found] == [None, Image(src="https://cdn.example/b.jpg")]


def test_paid_memberships_pro(site: WordPress) -> None:
    made(site, "pmpro_memberships_pages", LEVELS)
    made(site, "pmpro_memberships_categories", KEPT)
    inside = site.term("Inside", "category")
    one, two = site.post("One", post_content=SECRET), site.post("Two", post_content=SECRET)
    site.post("Three", post_content=SECRET)
    put(site, "pmpro_memberships_pages", membership_id=1, page_id=one)
    put(site, "pmpro_memberships_categories", membership_id=1, category_id=inside)
    site.tie(two, inside)
    assert [each.summary for each in articles(site)] == ["", "", "For members, all of it."]


def test_woocommerce_memberships(site: WordPress) -> None:
    inside = site.term("Inside", "category")
    one, two, three = (site.post(name, post_content=SECRET) for name in ("One", "Two", "Three"))
    site.tie(two, inside)
    rule = {
        "rule_type": "content_restriction",
        "content_type": "post_type",
        "content_type_name": "post",
        "active": "yes",
    }
    rules = [
        {**rule, "object_ids": [one, three]},
        {**rule, "content_type": "taxonomy", "content_type_name": "category", "object_ids": [str(inside)]},
        {**rule, "rule_type": "product_restriction", "object_ids": []},
        {**rule, "active": "no", "object_ids": []},
    ]
    site.add("options", option_name="wc_memberships_rules", option_value=php(rules))
    site.meta(three, _wc_memberships_force_public="yes")
    assert [each.summary for each in articles(site)] == ["", "", "For members, all of it."]


def test_a_rule_for_all_posts(site: WordPress) -> None:
    site.post("One", post_content=SECRET)
    site.add("options", option_name="rcp_restricted_post_types", option_value=php({"post": {"access_level": "1"}}))
    assert only(site).summary == ""


def test_terms_of_restrict_content_pro(site: WordPress) -> None:
    made(site, "termmeta", "meta_id int, term_id bigint, meta_key varchar(255), meta_value longtext")
    inside, open_ = site.term("Inside", "category"), site.term("Open", "category")
    put(
        site, "termmeta", meta_id=1, term_id=inside, meta_key="rcp_restricted_meta", meta_value=php({"access_level": 1})
    )
    put(site, "termmeta", meta_id=2, term_id=open_, meta_key="rcp_restricted_meta", meta_value=php({}))
    site.tie(site.post("One", post_content=SECRET), inside)
    site.tie(site.post("Two", post_content=SECRET), open_)
    assert [each.summary for each in articles(site)] == ["", "For members, all of it."]


@pytest.mark.parametrize(
    ("kind", "content", "shown"),
    [
        ("single_post", "{one}", [False, True]),
        ("all", "", [False, False]),
        ("all_post", "{two}", [False, True]),
        ("category", "{inside}", [False, True]),
        ("category", "inside", [False, True]),
        ("all_page", "", [True, True]),
        ("partial", "", [True, True]),
    ],
)
def test_memberpress(site: WordPress, kind: str, content: str, shown: list[bool]) -> None:
    inside = site.term("Inside", "category")
    one, two = site.post("One", post_content=SECRET), site.post("Two", post_content=SECRET)
    site.tie(one, inside)
    rule = site.post("Rule", post_type="memberpressrule")
    content = content.format(one=one, two=two, inside=inside)
    site.meta(rule, _mepr_rules_type=kind, _mepr_rules_content=content)
    assert [bool(each.summary) for each in articles(site)] == shown


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[membership level="1"]<p>Secret.</p>[/membership]<p>Open.</p>', "Open."),
        ("[restrict]Secret.[/restrict]\n\nOpen.", "Open."),
        ('[mepr-show rules="12"]Secret.[/mepr-show]\n\nOpen.', "Open."),
        ("[wcm_restrict plans='gold']Secret.[/wcm_restrict]\n\nOpen.", "Open."),
        (
            '<!-- wp:pmpro/membership {"levels":[1]} --><div>Secret.</div><!-- /wp:pmpro/membership --><p>Open.</p>',
            "Open.",
        ),
        ("<p>Open.</p><!-- wp:jetpack/paywall /--><p>Secret.</p>", "Open."),
        ("<p>Open.</p>[membership]<p>Secret.</p>", "Open."),
        ("[membership]<p>Secret, and it never ends.</p>", ""),
        ("<p>Members [may] read.</p>", "Members [may] read."),
    ],
)
def test_what_members_see_of_a_text_is_not_shown(site: WordPress, text: str, wanted: str) -> None:
    site.post("One", post_content=text)
    assert only(site).summary == wanted
    assert "Secret" not in without_what_members_see(text)


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_plugins_cost_a_page_of_posts_a_statement_or_two(site: WordPress) -> None:
    """And nothing where there are none."""
    for number in range(30):
        site.post(f"No {number}")
    statements: list[str] = []

    def heard(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT") and " IN (" in statement and "information_schema" not in statement.lower():
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        assert len(articles(site)) == 30
        plain = len(statements)
        made(site, "pmpro_memberships_pages", LEVELS)
        made(site, "pmpro_memberships_categories", KEPT)
        statements.clear()
        assert len(articles(site)) == 30
        assert len(statements) == plain + 1
    finally:
        event.remove(Engine, "before_cursor_execute", heard)


# --- what PHP writes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [0, -5, True, "", "Fähre ⚓", 'a";b', {}, {"a": {"b": [1, 2]}, 3: "x"}, {str(n): n for n in range(1_000)}]
)
def test_what_is_serialised_comes_back(value: object) -> None:
    assert read_php(php(value)) == _as_php_has_it(value)


def _as_php_has_it(value: object) -> object:
    if isinstance(value, list):
        value = dict(enumerate(value))
    return {key: _as_php_has_it(each) for key, each in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    "text",
    ["", "x", "a:1:{", "a:1000000000:{i:0;i:1;}", 's:5:"ab";', "O:1:{}", "a:1:{a:0:{}i:1;}", "a:1:{i:0;" * 1_000],
)
def test_what_is_not_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_php(text)
    assert array_of(text) == {}
