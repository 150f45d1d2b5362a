"""Dates as the world writes them: the instant, or none; a zone that nobody knows is no UTC."""

from __future__ import annotations

import pytest

from digest.sources.dates import read_date, trouble_with


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("Mon, 23 Nov 2026 10:00:00 SAST", "2026-11-23T08:00"),
        ("Mon, 23 Nov 2026 10:00:00 PKT", "2026-11-23T05:00"),
        ("Mon, 23 Nov 2026 10:00:00 ACST", "2026-11-23T00:30"),
        ("Mon, 23 Nov 2026 10:00:00 ART", "2026-11-23T13:00"),
        ("Mon, 23 Nov 2026 10:00:00 NPT", "2026-11-23T04:15"),
        ("Mon, 23 Nov 2026 10:00:00 WIB", "2026-11-23T03:00"),
        ("Mon, 26 Jan 2004 16:31:00 PT", "2004-01-27T00:31"),
        ("Mon, 26 Jan 2004 16:31:00 ET", "2004-01-26T21:31"),
        ("Mon, 26 Jan 2004 16:31:00 CT", "2004-01-26T22:31"),
        ("Mon, 26 Jan 2004 16:31:00 MT", "2004-01-26T23:31"),
        ("Mon, 26 Jan 2004 16:31:00 AT", "2004-01-26T20:31"),
        ("Mon, 20 Jul 2026 16:31:00 PT", "2026-07-20T23:31"),
        ("Mon, 23 Nov 2026 10:00:00 MET", "2026-11-23T09:00"),
        ("Mon, 20 Jul 2026 10:00:00 MEST", "2026-07-20T08:00"),
        ("Mon, 23 Nov 2026 10:00:00 EST", "2026-11-23T15:00"),
        ("Mon, 23 Nov 2026 10:00:00 \u22120500", "2026-11-23T15:00"),
        ("2026-11-23T10:00:00\u221205:00", "2026-11-23T15:00"),
        ("Mon, 23 Nov 2026 10:00:00 (UTC+8)", "2026-11-23T02:00"),
        ("Mon, 23 Nov 2026 10:00:00 Central European Time", "2026-11-23T09:00"),
        ("Mon, 23 Nov 2026 10:00:00 Eastern Standard Time", "2026-11-23T15:00"),
        ("Mon, 20 Jul 2026 10:00:00 Pacific Time", "2026-07-20T17:00"),
        ("Mon Nov 23 2026 10:00:00 GMT+0100 (Central European Standard Time)", "2026-11-23T09:00"),
        ("23 Nov 2026 10:00 Europe/Berlin", "2026-11-23T09:00"),
        ("Mon Nov 23 10:00:00 SAST 2026", "2026-11-23T08:00"),
        ("23 Nov 2026 10:00 Uhr", "2026-11-23T10:00"),
        ("23 Nov 2026 10:00 HRS", "2026-11-23T10:00"),
        ("Mon, 23 Nov 2026 10:00:00 A", "2026-11-23T10:00"),
    ],
)
def test_a_zone_is_where_it_says(text: str, instant: str) -> None:
    found = read_date(text)
    assert found is not None
    assert found.isoformat()[:16] == instant


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 23 Nov 2026 10:00:00 XYZT",
        "Mon, 23 Nov 2026 10:00:00 QQ",
        "Mon, 23 Nov 2026 10:00:00 Mars/Olympus",
        "Mon, 23 Nov 2026 10:00:00 America/Argentina",
        "Mon, 23 Nov 2026 10:00:00 Middle Earth Time",
        "Mon Nov 23 10:00:00 XYZT 2026",
    ],
)
def test_a_zone_that_nobody_knows_is_not_guessed(text: str) -> None:
    assert read_date(text) is None
    assert "nobody knows the time zone" in trouble_with(text)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026/10/9 下午 02:26:26", "2026-10-09T14:26"),
        ("2026/10/9 上午 02:26:26", "2026-10-09T02:26"),
        ("2026年10月9日 下午2:26", "2026-10-09T14:26"),
        ("2026/10/9 上午 12:26", "2026-10-09T00:26"),
        ("2026/10/9 下午 12:26", "2026-10-09T12:26"),
        ("2026/10/9 晚上 11:05", "2026-10-09T23:05"),
        ("2026/10/9 晚上 6:30", "2026-10-09T18:30"),
        ("2026/10/9 凌晨 2:05", "2026-10-09T02:05"),
        ("2026/10/9 中午 12:05", "2026-10-09T12:05"),
        ("2026年10月9日 14時26分", "2026-10-09T14:26"),
        ("2026年10月9日 午後2時26分", "2026-10-09T14:26"),
        ("2026\uff0f10\uff0f9 14\uff1a26", "2026-10-09T14:26"),
        ("2004-05-25 오후 11:23:17", "2004-05-25T23:23"),
        ("2004-05-25 오전 12:23:17", "2004-05-25T00:23"),
        ("2026년 10월 9일 오후 2:26", "2026-10-09T14:26"),
        ("2026. 10. 9. 오후 2:26:26", "2026-10-09T14:26"),
        ("9/10/2026, 2:26 μ.μ.", "None"),
        ("2026-10-09 2:26 μ.μ.", "2026-10-09T14:26"),
        ("2026-10-09 2:26 م", "2026-10-09T14:26"),
        ("2026-10-09 2:26 ÖS", "2026-10-09T14:26"),
        ("2026-10-09 ÖS 2:26", "2026-10-09T14:26"),
        ("9 Oct 2026 2:26 p. m.", "2026-10-09T14:26"),
        ("9 Oct 2026 2:26\u202fPM EST", "2026-10-09T19:26"),
        ("Sat, Dec 16 2023 02:02:33 PM", "2023-12-16T14:02"),
        ("9 Oct 2026 14:26 PM", "2026-10-09T14:26"),
        ("9 Oct 2026, 3 PM", "2026-10-09T15:00"),
        ("30.11.2026 klo 10.30", "2026-11-30T10:30"),
        ("30.11.2026 kl. 10.30.15", "2026-11-30T10:30"),
        ("30.11.2026", "2026-11-30T00:00"),
        ("30. November 2026, 10 Uhr", "2026-11-30T10:00"),
        ("lundi 16 novembre 2026 à 8 h 05", "2026-11-16T08:05"),
    ],
)
def test_a_clock_is_read_as_people_write_it(text: str, instant: str) -> None:
    found = read_date(text)
    assert (found.isoformat()[:16] if found else "None") == instant
