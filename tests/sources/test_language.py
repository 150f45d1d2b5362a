"""The language of what names none."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest.model.article import Article
from digest.sources.language import language_of, with_languages

ARTICLE = Article(
    key="1",
    url="https://example.org/1",
    title="Stadtrat stimmt über neue Busspuren ab",
    published_at=datetime(2026, 11, 23, tzinfo=UTC),
    summary="Die Mehrheit war knapp.",
)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Researchers have found that small glaciers lose ice faster than anybody expected."),
        ("de", "Forscher haben festgestellt, dass kleine Gletscher schneller schmelzen als erwartet."),
        ("fr", "Des chercheurs ont constaté que les petits glaciers fondent plus vite que prévu."),
        ("es", "Los investigadores han descubierto que los glaciares pequeños pierden hielo más rápido."),
        ("pt", "Pesquisadores descobriram que as geleiras pequenas perdem gelo mais depressa do que se pensava."),
        ("it", "I ricercatori hanno scoperto che i piccoli ghiacciai perdono ghiaccio più velocemente."),
        ("nl", "Onderzoekers hebben vastgesteld dat kleine gletsjers sneller smelten dan verwacht."),
        ("sv", "Forskare har upptäckt att små glaciärer smälter snabbare än väntat."),
        ("pl", "Naukowcy odkryli, że małe lodowce topnieją szybciej, niż oczekiwano."),
        ("tr", "Araştırmacılar küçük buzulların beklenenden daha hızlı eridiğini buldu."),
        ("ru", "Учёные выяснили, что небольшие ледники тают быстрее, чем ожидалось."),
        ("uk", "Вчені з'ясували, що невеликі льодовики тануть швидше, ніж очікувалося."),
        ("ja", "小さな氷河は予想よりも速く溶けていることがわかった。"),
        ("zh", "研究人员发现，小型冰川融化的速度比预期更快。"),
        ("ko", "연구진은 작은 빙하가 예상보다 빨리 녹고 있음을 발견했다."),
        ("ar", "وجد الباحثون أن الأنهار الجليدية الصغيرة تذوب أسرع من المتوقع."),
        ("he", "חוקרים גילו שקרחונים קטנים נמסים מהר יותר מהצפוי בשנים האחרונות."),
        ("hi", "शोधकर्ताओं ने पाया कि छोटे हिमनद उम्मीद से अधिक तेज़ी से पिघल रहे हैं। उन्होंने अपने परिणाम सोमवार को प्रकाशित किए।"),
        ("th", "นักวิจัยพบว่าธารน้ำแข็งขนาดเล็กละลายเร็วกว่าที่คาดไว้มาก"),
        ("", "GPT-5 vs Claude 4 vs Gemini"),
        ("", "Angela Merkel, Emmanuel Macron, Pedro Sánchez, Giorgia Meloni, Donald Tusk"),
        ("", "Kubernetes 1.31, Docker 27, Podman 5.2, containerd 2.0, Helm 3.16"),
        ("", "Le pain du jour und der Wein des Monats, the bread of the day y el vino"),
        ("", "iPhone 17"),
        ("", "123 456 — 789"),
        ("", "海"),
        ("", ""),
    ],
)
def test_a_text_has_a_language_where_it_is_long_enough(language: str, text: str) -> None:
    assert language_of(text) == language


def test_what_a_source_says_stays() -> None:
    said = replace(ARTICLE, language="nl")
    assert [each.language for each in with_languages([ARTICLE, said])] == ["de", "nl"]


def test_nobody_loads_the_letters_who_does_not_need_them() -> None:
    code = "import sys, digest.flows.collect, digest.flows.importing; sys.exit('fasttext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
