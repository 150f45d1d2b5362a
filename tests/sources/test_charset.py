"""What bytes become: by the names that documents use, by what they are, with a byte that is damaged."""

from __future__ import annotations

import time

import pytest

from digest.sources.charset import decode

NAMED = '<?xml version="1.0" encoding="{}"?><title>{}</title>'
NAMELESS = (
    "<rss><channel><title>Feed</title><item><title>{0}</title><description>{0}</description></item></channel></rss>"
)


@pytest.mark.parametrize(
    ("name", "codec", "text"),
    [
        ("gb2312", "gbk", "朱镕基谈港口渡轮"),
        ("GB_2312-80", "gbk", "朱镕基谈港口渡轮"),
        ("gbk", "gb18030", "港口\U00020000渡轮"),
        ("x-gbk", "gbk", "朱镕基"),
        ("x-sjis", "cp932", "髙橋①の船"),
        ("shift_jis", "cp932", "髙橋①の船"),
        ("windows-31j", "cp932", "髙橋①の船"),
        ("big5", "big5hkscs", "嘅啲渡輪"),
        ("x-x-big5", "big5hkscs", "嘅啲渡輪"),
        ("euc-kr", "cp949", "똠방각하 펲시콜라"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("euc-jp", "euc_jis_2004", "①港の渡し船が再開した"),
        ("iso-2022-jp", "iso2022_jp", "港の船"),
        ("iso-8859-8-i", "iso8859-8", "שלום"),
        ("iso-8859-9", "cp1254", "“İstanbul”"),
        ("tis-620", "cp874", "“เรือ”"),
        ("iso-8859-1", "cp1252", "“Fähre” – 5 €"),
        ("windows-1251", "cp1251", "Паром"),
        ("koi8-r", "koi8_r", "Паром"),
        ("cp949", "cp949", "똠방각하"),
    ],
)
def test_names_mean_what_the_encoding_standard_says(name: str, codec: str, text: str) -> None:
    for document in (NAMED.format(name, text), f'<meta charset="{name}"><p>{text}</p>'):
        assert decode(document.encode(codec)) == document
    assert decode(text.encode(codec), content_type=f"text/xml; charset={name}") == text


@pytest.mark.parametrize(
    ("name", "codec", "text"),
    [
        ("gb2312", "gbk", "朱镕基谈港口渡轮"),
        ("euc-jp", "euc_jp", "渡し船が再開した"),
        ("euc-kr", "cp949", "여객선이 다시 운항"),
    ],
)
def test_a_damaged_byte_costs_one_sign(name: str, codec: str, text: str) -> None:
    whole = NAMED.format(name, text).encode(codec)
    at = len(NAMED.format(name, text[:3]).removesuffix("</title>").encode(codec))
    damaged = whole[:at] + b"\xff" + whole[at:]
    assert decode(damaged) == NAMED.format(name, f"{text[:3]}\ufffd{text[3:]}")


@pytest.mark.parametrize("name", ["gb2312", "shift_jis", "euc-kr", "utf-8", "zlib", "no-such-name"])
def test_a_name_that_is_plainly_wrong_is_not_believed(name: str) -> None:
    text = NAMED.format(name, "L’été dernier, à Genève, le bac a été réparé, déjà.")
    assert decode(text.encode("cp1252")) == text
    assert decode(text.encode()) == text


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("euc_jp", "港の渡し船が三年ぶりに運航を再開した。"),
        ("cp932", "港の渡し船が三年ぶりに運航を再開した。"),
        ("euc_kr", "항구의 여객선이 다시 운항을 시작했다."),
        ("gb2312", "港口渡轮三年来首次恢复航行。"),
        ("big5", "港口渡輪三年來首次恢復航行。"),
        ("cp1251", "Паром снова ходит через гавань."),
        ("cp1252", "L’été dernier, à Genève, le bac a été réparé; “déjà vu”, à l’école"),
        ("cp1252", "Über die Fähre: Größe, Öl und Ärger."),
    ],
)
def test_what_names_no_encoding_is_looked_at(codec: str, text: str) -> None:
    assert decode(NAMELESS.format(text).encode(codec)) == NAMELESS.format(text)


def test_a_long_feed_that_names_no_encoding_takes_no_time() -> None:
    body = (NAMELESS.format("항구의 여객선이 다시 운항을 시작했다.") * 10_000).encode("euc_kr")
    started = time.process_time()
    assert "여객선" in decode(body)
    assert "ÿ" in decode(b"\xff" * 1_000_000, content_type="text/html; charset=gb2312")
    assert "谈" in decode(("谈".encode("gbk") * 5 + b"\xff ") * 100_000, content_type="text/html; charset=gb2312")
    assert time.process_time() - started < 5
