"""sources: the outside world -> Articles.

Takes      a Source with its options and its cursor; files that a person imports
Gives      pages of Articles, what was refused and why, and the cursor that follows from them
Owns       tables source, article, article_alias
Promises   a story is stored once, however often and wherever it is seen (P3); nothing but text comes out of foreign HTML;
           the cursor never passes what was stored; one item stops nothing but itself (P11), and what strangers wrote is
           parsed in a child process
Fails      SourceUnreachable: could not look, SourceBusy: not now, SourceGone: never again; SourceMalformed: looked, and
           could not understand
Standards  RFC 4287 Atom, RSS 0.9x to 2.0, JSON Feed 1.1, sitemaps 0.9; RFC 9110 §13 conditional requests
Start at   feed.py, then store/articles.py (put_articles)
"""
