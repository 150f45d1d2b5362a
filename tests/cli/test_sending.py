"""Sending from a shell, with others that send at the same time."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, update

from digest.app import App
from digest.cli.sending import send_each, send_edition, show_dispatch
from digest.db.engine import writing
from digest.db.tables import edition, subscription
from digest.errors import Refused
from digest.flows import dispatch, publish
from digest.flows.admin import editions as editions_admin
from digest.flows.dispatch import DispatchReport
from digest.flows.doctor import look_around
from digest.model.edition import EditionStatus
from tests.flows.test_dispatch import build, send
from tests.site import ADMIN, NOW, SmtpServer, add_newsletter


def test_an_edition_that_another_process_sent_since_we_looked_is_no_trouble(
    app: App, engine: Engine, smtp_server: SmtpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    edition_id = build(engine, app.press, readers=3)
    assert dispatch.unfinished(app.engine) == [edition_id]
    send(engine, app.press, edition_id, smtp_server.channel())
    report = send_edition(app, edition_id)
    assert report == DispatchReport(edition_id=edition_id, is_finished=True)
    assert len(smtp_server.recorder.accepted) == 3
    show_dispatch(report)
    assert "all done" in capsys.readouterr().out


def test_an_edition_that_somebody_cancelled_since_we_looked_is_no_trouble(
    app: App, engine: Engine, smtp_server: SmtpServer
) -> None:
    edition_id = build(engine, app.press, readers=3)
    assert dispatch.unfinished(app.engine) == [edition_id]
    editions_admin.cancel(engine, edition_id, now=NOW, actor=ADMIN)
    assert send_edition(app, edition_id) == DispatchReport(edition_id=edition_id)
    assert smtp_server.recorder.accepted == []


def test_an_edition_that_nobody_approved_is_refused(app: App, engine: Engine, smtp_server: SmtpServer) -> None:
    edition_id = build(engine, app.press, readers=3)
    with writing(engine) as connection:
        connection.execute(update(edition).values(status=EditionStatus.DRAFT))
    with pytest.raises(Refused, match="is draft"):
        send_edition(app, edition_id)
    assert smtp_server.recorder.accepted == []


def test_what_goes_wrong_in_one_edition_ends_no_other(app: App, engine: Engine, smtp_server: SmtpServer) -> None:
    broken = build(engine, app.press, readers=2)
    other = add_newsletter(engine, name="other", title="Other")
    with writing(engine) as connection:
        connection.execute(update(edition).values(frozen={"newsletter": {"nothing": "of it"}, "files": {}}))
        connection.execute(update(subscription).where(subscription.c.subscriber_id == 2).values(newsletter_id=other.id))
    (report,) = publish.build_due(engine, app.press, now=NOW, names=["other"])
    assert report.edition_id is not None
    first, second = send_each(app, [broken, report.edition_id])
    assert first.trouble
    assert second.accepted == 1
    looked = look_around(app.settings, engine, now=NOW, load_keys=lambda: app.dkim_keys)
    found = {each.what: each.stands for each in looked}
    assert first.trouble in found[f"edition {broken}"]
    assert f"edition {report.edition_id}" not in found
