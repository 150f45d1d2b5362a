"""A WordPress database, a real one, with an account that may only read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import make_url

from digest.errors import BadInput, SourceMalformed, SourceUnreachable
from digest.model.article import Article, Image
from digest.model.source import Collected, Cursor
from digest.sources import wordpress
from digest.sources.fetch import Fetcher
from digest.sources.kinds import options_of
from tests.mariadb import MysqlSite
from tests.sources.wordpress_site import NOW, ZERO, WordPress

Make = Callable[..., WordPress]


@pytest.fixture
def make(mysql_site: MysqlSite) -> Make:
    def made(**values: Any) -> WordPress:
        return WordPress(mysql_site.engine, mysql_site.url, **values)

    return made


def read(site: WordPress, cursor: Cursor | None = None, now: datetime = NOW, **values: Any) -> list[Collected]:
    return list(wordpress.pages(site.options(**values), cursor or Cursor(), now=now, fetcher=Fetcher()))


def articles(site: WordPress, **values: Any) -> list[Article]:
    return [article for page in read(site, **values) for article in page.articles]


def only(site: WordPress, **values: Any) -> Article:
    (article,) = articles(site, **values)
    return article


def test_a_post_becomes_an_article_with_all_that_a_digest_needs(make: Make) -> None:
    site = make()
    ana = site.user("Ana Sø")
    city, sea = site.term("City", "category"), site.term("Sea", "post_tag")
    post = site.post("The ferry", post_author=ana, post_content="<p>It &amp; they <b>sail</b>.</p><p>More.</p>")
    picture = site.post("Ship", post_type="attachment", post_status="inherit")
    site.meta(picture, _wp_attached_file="2026/11/ship at sea.jpg", _wp_attachment_image_alt="A <i>ship</i>")
    site.meta(post, _thumbnail_id=picture)
    site.tie(post, sea, city)
    article = only(site, topics="Post")
    assert article.key == str(post)
    assert article.url == "https://harbourpost.example/2026/11/the-ferry/"
    assert article.title == "The ferry"
    assert article.published_at == datetime(2026, 11, 20, 9, 5, 7, tzinfo=UTC)
    assert article.authors == ("Ana Sø",)
    assert article.summary == "It & they sail."
    assert article.image == Image(
        src="https://harbourpost.example/wp-content/uploads/2026/11/ship%20at%20sea.jpg", alt="A ship"
    )
    assert article.topics == ("City", "Sea", "Post")
    assert article.language == "de-de"
    assert article.words == 5
    assert article.comment_count == 0


@pytest.mark.parametrize(
    ("title", "content", "wanted"),
    [
        (
            "The &lt;dialog&gt; element",
            "<p>Use &lt;dialog&gt;.</p>",
            ("The <dialog> element", "Use <dialog>.", "de-de"),
        ),
        (
            "[:en]The ferry[:de]Die Fähre[:]",
            "<!--:en--><p>Back.</p><!--:--><!--:de--><p>Zurück.</p><!--:-->",
            ("Die Fähre", "Zurück.", "de-de"),
        ),
        ("[:en]The ferry[:fr]Le bac[:]", "[:en]<p>Back.</p>[:fr]<p>De retour.</p>[:]", ("The ferry", "Back.", "en")),
        ("A", "https://www.youtube.com/watch?v=abc\r\n\r\nTonight.\r\n\r\nMore.", ("A", "Tonight.", "de-de")),
        ("A", "[vimeo 12345]\n\nTonight. [vc_raw_html]JTNDZGl2JTNF[/vc_raw_html]", ("A", "Tonight.", "de-de")),
        ("A", '<div class="wp-block-button"><a>Book now</a></div><p>Tonight.</p>', ("A", "Tonight.", "de-de")),
        ("A", '<p>Back<sup data-fn="f" class="fn"><a href="#f">1</a></sup> now.</p>', ("A", "Back now.", "de-de")),
    ],
)
def test_a_post_says_what_its_readers_see(title: str, content: str, wanted: tuple[str, str, str], make: Make) -> None:
    site = make()
    site.post(title, post_content=content)
    found = only(site)
    assert (found.title, found.summary, found.language) == wanted


@pytest.mark.parametrize(
    ("structure", "wanted"),
    [
        ("", "/?p={id}"),
        ("/%postname%/", "/the-ferry/"),
        ("/%year%/%monthnum%/%day%/%postname%/", "/2026/11/20/the-ferry/"),
        ("/archives/%post_id%", "/archives/{id}"),
        ("/%category%/%postname%/", "/town/harbour/the-ferry/"),
        ("/%author%/%hour%-%minute%-%second%/%postname%.html", "/ana-lee/10-05-07/the-ferry.html"),
        ("/index.php/%year%/%postname%/", "/index.php/2026/the-ferry/"),
        ("/%issue%/%postname%/", "/?p={id}"),
    ],
)
def test_the_address_follows_the_rule_of_the_site(make: Make, structure: str, wanted: str) -> None:
    site = make(permalink_structure=structure)
    town = site.term("Town", "category")
    site.term("Views", "category")
    harbour = site.term("Harbour", "category", parent=town)
    post = site.post("The ferry", post_author=site.user("Ana Lee"))
    site.tie(post, harbour)
    assert only(site).url == "https://harbourpost.example" + wanted.format(id=post)


def test_of_several_categories_the_lowest_number_is_in_the_address_unless_one_is_primary(make: Make) -> None:
    site = make(permalink_structure="/%category%/%postname%/")
    city, sea = site.term("City", "category"), site.term("Sea", "category")
    post = site.post("One")
    site.tie(post, sea, city)
    assert only(site).url.endswith("/city/one/")
    assert only(site).topics == ("City", "Sea")
    site.meta(post, _yoast_wpseo_primary_category=sea)
    assert only(site).url.endswith("/sea/one/")
    assert only(site).topics == ("Sea", "City")


def test_a_post_without_a_category_is_under_the_default_one(make: Make) -> None:
    site = make(permalink_structure="/%category%/%postname%/")
    site.post("One")
    article = only(site)
    assert article.url.endswith("/uncategorized/one/")
    assert article.topics == ()


def test_the_category_that_stands_for_none_is_no_topic_but_a_renamed_default_is(make: Make) -> None:
    site = make()
    post = site.post("One")
    site.tie(post, 1)
    assert only(site).topics == ()
    site.change("terms", "term_id = 1", name="Allgemein", slug="allgemein")
    assert only(site).topics == ()
    site.change("terms", "term_id = 1", name="News", slug="news")
    assert only(site).topics == ("News",)


def test_an_address_in_another_script_stays_as_the_site_has_it(make: Make) -> None:
    site = make(permalink_structure="/%postname%/")
    site.post("港", post_name="%e6%b8%af")
    assert only(site).url == "https://harbourpost.example/%e6%b8%af/"


@pytest.mark.parametrize(
    ("said", "number", "wanted"),
    [
        ({"upload_url_path": "https://cdn.example/media"}, 1, "https://cdn.example/media/a.jpg"),
        ({"upload_url_path": "//cdn.example/media"}, 1, "https://cdn.example/media/a.jpg"),
        ({"upload_path": "media"}, 1, "https://harbourpost.example/media/a.jpg"),
        ({"siteurl": "https://harbourpost.example/wp"}, 1, "https://harbourpost.example/wp/wp-content/uploads/a.jpg"),
        ({}, 2, "https://harbourpost.example/wp-content/uploads/sites/2/a.jpg"),
    ],
)
def test_where_pictures_are(make: Make, said: dict[str, str], number: int, wanted: str) -> None:
    site = make(number=number, **said)
    picture = site.post("Ship", post_type="attachment", post_status="inherit")
    site.meta(picture, _wp_attached_file="a.jpg")
    site.meta(site.post("One"), _thumbnail_id=picture)
    assert only(site).image == Image(src=wanted)


def test_a_picture_that_is_not_there_is_none(make: Make) -> None:
    site = make()
    site.meta(site.post("One"), _thumbnail_id=4711)
    site.meta(site.post("Two"), _thumbnail_id="")
    assert [each.image for each in articles(site)] == [None, None]


def test_home_can_be_given(make: Make) -> None:
    site = make(home="http://localhost:8080", siteurl="http://localhost:8080")
    picture = site.post("Ship", post_type="attachment", post_status="inherit")
    site.meta(picture, _wp_attached_file="a.jpg")
    site.meta(site.post("One"), _thumbnail_id=picture)
    article = only(site, home="https://harbourpost.example/")
    assert article.url == "https://harbourpost.example/2026/11/one/"
    assert article.image == Image(src="https://harbourpost.example/wp-content/uploads/a.jpg")


def test_a_canonical_address_of_an_seo_plugin_is_the_article_s(make: Make) -> None:
    site = make()
    site.meta(site.post("One"), _yoast_wpseo_canonical="https://elsewhere.example/one")
    site.meta(site.post("Two"), _yoast_wpseo_canonical="")
    assert [each.url for each in articles(site)] == [
        "https://elsewhere.example/one",
        "https://harbourpost.example/2026/11/two/",
    ]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"post_excerpt": "By <b>hand</b>."}, "By hand."),
        ({"post_content": "<p>Before.</p>\n<!--more Go on-->\n<p>After.</p>"}, "Before."),
        (
            {
                "post_content": "<!-- wp:heading -->\n<h2>Head</h2>\n<!-- /wp:heading -->\n\n"
                '<!-- wp:image {"id":7} -->\n<figure><img src="a.jpg"/><figcaption>Cap</figcaption></figure>\n'
                "<!-- /wp:image -->\n\n<!-- wp:paragraph -->\n<p>First.</p>\n<!-- /wp:paragraph -->\n\n"
                "<!-- wp:paragraph -->\n<p>Second.</p>\n<!-- /wp:paragraph -->"
            },
            "First.",
        ),
        ({"post_content": "Old editor, one.\n\nOld editor, two."}, "Old editor, one."),
        (
            {
                "post_content": '[caption id="a"]<img src="x"/> under it[/caption]\n\n[vc_row][vc_column width="1"]He said '
                "[sic] it.[/vc_column][/vc_row]"
            },
            "He said [sic] it.",
        ),
        ({"post_content": ""}, ""),
    ],
)
def test_the_summary(make: Make, values: dict[str, str], wanted: str) -> None:
    site = make()
    site.post("One", **values)
    assert only(site).summary == wanted


def test_words_are_counted_without_markup_and_tell_the_reading_time(make: Make) -> None:
    site = make()
    site.post(
        "One",
        post_content='<!-- wp:paragraph {"a b c": 1} --><p class="x y">' + "word " * 460 + "</p>[gallery ids='1']",
    )
    article = only(site)
    assert article.words == 460
    assert article.reading_minutes == 2


def test_what_is_not_public_is_left_out(make: Make) -> None:
    site = make()
    site.post("Draft", post_status="draft", post_date_gmt=ZERO)
    site.post("Waiting", post_status="pending")
    site.post("Private", post_status="private")
    site.post("Gone", post_status="trash")
    site.post("Secret", post_password="pw")
    site.post("Later", post_status="future", at=NOW + timedelta(days=1))
    site.post("Wrongly ahead", at=NOW + timedelta(days=1))
    site.post("A page", post_type="page")
    site.post("Seen")
    assert [each.title for each in articles(site)] == ["Seen"]


def test_a_post_without_a_utc_date_has_that_of_the_site_s_clock(make: Make) -> None:
    site = make()
    site.post("One", post_date_gmt=ZERO, post_modified_gmt=ZERO)
    assert only(site).published_at == datetime(2026, 11, 20, 9, 5, 7, tzinfo=UTC)


def test_a_post_that_cannot_be_an_article_is_refused_with_its_number(make: Make) -> None:
    site = make()
    bad = site.post("", post_content="")
    site.post("Good")
    pages = read(site)
    assert [each.title for page in pages for each in page.articles] == ["Good"]
    assert [line for page in pages for line in page.refused] == [f"post {bad}: has neither a title nor a text"]


def test_comments_are_counted_and_the_newest_are_kept(make: Make) -> None:
    site = make()
    post = site.post("One")
    for number in range(1, 6):
        site.comment(post, f"Mira {number}", f"<p>No. {number}</p>", minute=number)
    site.comment(post, "Spam", "Buy", comment_approved="spam")
    site.comment(post, "Held", "Not yet", comment_approved="0")
    site.comment(post, "Other site", "[...] a link", comment_type="pingback")
    site.comment(post, "Old WordPress", "An old one", comment_type="")
    article = only(site, comments=2)
    assert article.comment_count == 6
    assert [(each.author, each.text) for each in article.comments] == [("Mira 5", "No. 5"), ("Mira 4", "No. 4")]
    assert article.comments[0].url == "https://harbourpost.example/2026/11/one/#comment-5"


def test_an_old_table_in_latin1_and_a_new_one_both_come_as_they_are(make: Make) -> None:
    old = make(prefix="old_", charset="latin1")
    old.post("Grüße – naïve €", post_content="<p>Älter.</p>")
    new = make(prefix="new_")
    new.post("Ahoi ⚓ 港 🚢")
    assert only(old).title == "Grüße – naïve €"
    assert only(old).summary == "Älter."
    assert only(new).title == "Ahoi ⚓ 港 🚢"


def test_each_site_of_a_network_has_its_own_posts_and_all_share_their_users(make: Make) -> None:
    main, second = make(), make(number=2, home="https://two.example", siteurl="https://two.example")
    user = main.user("Ana Lee")
    main.post("In the first")
    second.post("In the second", post_author=user)
    assert [each.title for each in articles(main)] == ["In the first"]
    article = only(second)
    assert (article.title, article.authors) == ("In the second", ("Ana Lee",))
    assert article.url == "https://two.example/2026/11/in-the-second/"


def test_a_language_of_a_post_by_polylang_goes_before_the_site_s(make: Make) -> None:
    site = make()
    french = site.term("Français", "language", slug="fr")
    post = site.post("Un")
    site.tie(post, french)
    article = only(site)
    assert article.language == "fr"
    assert article.topics == ()


# --- reading on ------------------------------------------------------------------------------------------------------


def at(hours: int) -> datetime:
    return datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=hours)


def test_reading_goes_on_where_it_ended_less_the_overlap(make: Make) -> None:
    site = make()
    for number in range(5):
        site.post(f"No {number}", at=at(number))
    pages = read(site)
    assert pages[-1].cursor.at == at(4)
    site.post("No 5", at=at(5))
    site.post("Earlier date", at=at(4) - timedelta(minutes=30))
    found = articles(site, cursor=pages[-1].cursor, comment_days=0)
    assert [each.title for each in found] == ["No 3", "Earlier date", "No 4", "No 5"]


def test_many_of_one_instant_are_each_there_once(make: Make) -> None:
    site = make()
    row = "INSERT INTO wp_posts (post_title, post_name, post_content, post_excerpt, to_ping, pinged, post_content_filtered,"
    row += " post_date, post_date_gmt, post_modified_gmt) SELECT CONCAT('No ', seq), CONCAT('no-', seq), '', '', '', '', '',"
    row += " '2026-11-20 10:00:00', '2026-11-20 09:00:00', '2026-11-20 09:00:00' FROM seq_1_to_450"
    with site.engine.begin() as connection:
        connection.exec_driver_sql(row)
    pages = read(site)
    assert [len(page.articles) for page in pages] == [200, 200, 50]
    keys = [each.key for page in pages for each in page.articles]
    assert len(keys) == len(set(keys)) == 450


def test_an_edited_post_is_seen_again_and_keeps_its_date(make: Make) -> None:
    site = make()
    old = site.post("Old", at=at(0))
    site.post("New", at=at(100))
    cursor = read(site)[-1].cursor
    assert articles(site, cursor=cursor, comment_days=0)[0].title == "New"
    site.change("posts", f"ID = {old}", post_title="Old, mended", post_modified_gmt=at(200).replace(tzinfo=None))
    found = articles(site, cursor=cursor, comment_days=0)
    assert [(each.title, each.published_at) for each in found] == [("New", at(100)), ("Old, mended", at(0))]


def test_a_scheduled_post_that_was_written_long_ago_is_found_when_it_is_out(make: Make) -> None:
    site = make()
    site.post("New", at=at(100))
    cursor = read(site)[-1].cursor
    site.post("Scheduled", at=at(110), post_modified_gmt=at(1).replace(tzinfo=None))
    assert [each.title for each in articles(site, cursor=cursor, comment_days=0)] == ["New", "Scheduled"]


def test_young_posts_are_read_again_for_their_comments(make: Make) -> None:
    site = make()
    young = site.post("Young", at=NOW - timedelta(days=5))
    site.post("Newest", at=NOW - timedelta(hours=3))
    cursor = read(site)[-1].cursor
    site.comment(young, "Mira", "Yes!")
    found = articles(site, cursor=cursor)
    assert [(each.title, each.comment_count) for each in found] == [("Young", 1), ("Newest", 0)]


# --- what is wrong ---------------------------------------------------------------------------------------------------


def trouble(of: WordPress, **values: Any) -> str:
    with pytest.raises((SourceUnreachable, SourceMalformed)) as caught:
        list(wordpress.pages(of.options(**values), Cursor(), now=NOW, fetcher=Fetcher()))
    assert MysqlSite.PASSWORD not in str(caught.value)
    assert "wrong-pw" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_each_trouble_says_what_it_is(make: Make) -> None:
    site = make(prefix="blog_")
    url = make_url(site.url)

    def at_url(**values: Any) -> str:
        return url.set(**values).render_as_string(hide_password=False)

    assert "the password is wrong" in trouble(site, url=at_url(password="wrong-pw"))
    assert "the server cannot be reached" in trouble(site, url=at_url(port=1))
    assert "the server cannot be reached" in trouble(site, url=at_url(host="no-such-host.invalid"))
    assert "may not do this" in trouble(site, url=at_url(database="other"))
    said = trouble(site, prefix="wp_")
    assert "there is no table wp_posts" in said
    assert "there are tables with prefix blog_" in said
    assert "there is no table blog_3_posts" in trouble(site, site=3)
    assert "there is no kind of database" in trouble(site, url=at_url(drivername="nosuch"))
    assert "the driver MySQLdb is missing; install it: pip install 'digest-mailer[mysql]'" in trouble(
        site, url=at_url(drivername="mysql+mysqldb")
    )


def test_the_account_of_the_source_cannot_write_even_if_it_might(make: Make, mysql_url: str) -> None:
    from sqlalchemy import text

    from digest.sources import database

    site = make()
    admin = make_url(mysql_url).set(database=site.engine.url.database).render_as_string(hide_password=False)
    with pytest.raises(SourceUnreachable, match="READ ONLY"), database.opened(admin) as connection:
        connection.execute(text("DELETE FROM wp_options"))


def test_a_site_without_an_address_says_so(make: Make) -> None:
    assert "set home of the source" in trouble(make(home=""))


@pytest.mark.parametrize(
    "values", [{"prefix": "wp_; DROP"}, {"site": 0}, {"home": "harbourpost"}, {"post_types": " "}, {"gone": "maybe"}]
)
def test_options_are_checked(values: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="source site: "):
        options_of("wordpress", {"url": "mysql://x", **values}, name="site")


# --- readers ---------------------------------------------------------------------------------------------------------


def test_users_of_the_role_are_readers(make: Make) -> None:
    site = make()
    mira = site.user("Mira Lund", roles="subscriber", locale="de_DE", city="Bergen", newsletter="I want the weekly")
    site.user("Ana Lee", roles="editor")
    site.user("Tom Oak", roles="subscriber")
    site.add("usermeta", user_id=mira, meta_key="wp_2_capabilities", meta_value='a:1:{s:6:"author";b:1;}')
    options = site.options(consent_meta="newsletter", attributes="city")
    (found, other) = [each for page in wordpress.readers(options, now=NOW) for each in page]
    assert (found.key, found.address, found.name) == (str(mira), "mira.lund@example.org", "Mira Lund")
    assert (found.language, found.attributes) == ("de-DE", {"city": "Bergen"})
    assert found.wants
    assert found.consent == "newsletter: I want the weekly"
    assert found.consent_at == datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert not other.wants
    roles = site.options(roles="subscriber,editor")
    assert [each.name for page in wordpress.readers(roles, now=NOW) for each in page] == [
        "Mira Lund",
        "Ana Lee",
        "Tom Oak",
    ]


def test_readers_of_a_site_of_a_network_are_those_with_a_role_there(make: Make) -> None:
    main, second = make(), make(number=2)
    main.user("Of the first", roles="subscriber")
    second.user("Of the second", roles="subscriber")
    assert [each.name for page in wordpress.readers(second.options(), now=NOW) for each in page] == ["Of the second"]
