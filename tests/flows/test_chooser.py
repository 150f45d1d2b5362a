"""Who gets what, without a database."""

from __future__ import annotations

import json

from digest.flows.dispatch import chooser
from digest.flows.dispatch.chooser import Chooser
from digest.model.newsletter import Offer
from tests.editions.values import make_article, make_newsletter
from tests.render.editions import make_maker


def test_choices_are_read_right_however_many_are_kept() -> None:
    """More than are kept, some of them known before: each is what it is by itself."""
    newsletter = make_newsletter(topics=("City", "Sea"), offer=Offer(topics=True, minutes=(10, 30)))
    edition = make_maker(newsletter, [make_article(n, ("City", "Sea")[n % 2]) for n in range(1, 9)]).edition
    texts = [
        json.dumps({"follow_topics": [("city", "sea")[n % 2]], "minutes": 1 + n}) for n in range(chooser.MAX_KEPT + 500)
    ]
    many = Chooser(edition, newsletter, {})
    many.look_into(texts[:1000])
    many.look_into([*texts, *texts[:10]])
    for number in (0, 1, 999, 1000, len(texts) - 1):
        alone = Chooser(edition, newsletter, {}).wish(texts[number])
        together = many.wish(texts[number])
        assert together.minutes == alone.minutes == 1 + number
        assert (together.eligible, together.ways) == (alone.eligible, alone.ways)
    assert many.wish("{}").eligible == many.selector.everything
