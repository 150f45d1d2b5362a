"""Make the pictures in docs/pictures/ again: the demo's mails and its inbox page, as a browser shows them.

Needs Playwright (`make test` installs it), a Chromium, and Pillow, which makes the files small:

    pip install pillow
    python docs/make_pictures.py [path of a Chromium]

The demo runs in a folder of its own. Nothing is fetched: the pictures in the mails come from the demo itself. Where a
machine has no Georgia and no Segoe UI, fontconfig chooses what stands in for them; Gelasio and Inter come nearest.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from email import message_from_bytes, policy
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Route, sync_playwright

from digest.demo import content

HERE = Path(__file__).parent / "pictures"
MAX_BYTES = 200_000
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
ENGLISH, HEBREW = "mira.kessler", "noa@"
NEWSLETTER = "harbour-post"
OWN = {
    "own-full.png": ("--follow", "Culture,Science", "--length", "full"),
    "own-headlines.png": ("--follow", "", "--length", "headlines"),
}
"""Two digests of one edition, by what their reader chose."""


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium")
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        demo = Path(folder) / "demo"
        subprocess.run([sys.executable, "-m", "digest", "demo", "--folder", str(demo), "--readers", "20"], check=True)
        browser = playwright.chromium.launch(executable_path=given, args=list(QUIET))
        for width in (640, 375):
            for scheme in ("light", "dark"):
                _mail(browser, _html(demo, ENGLISH), f"mail-{width}-{scheme}.png", width, scheme)
        _mail(browser, _html(demo, HEBREW), "mail-640-hebrew.png", 640, "light")
        _inbox(browser, demo / "inbox.html")
        for name, choices in OWN.items():
            _mail(browser, _own(demo, choices), name, 640, "light")
        browser.close()
    _beside_each_other(*OWN, "own.png", height=1100)
    for name in OWN:
        (HERE / name).unlink()
    _beside_each_other("mail-640-light.png", "mail-640-dark.png", "mail.png", height=1250)


def _html(demo: Path, reader: str) -> str:
    [file] = sorted(demo.glob(f"mails/*/*{reader}*.eml"))
    part = message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("html",))
    assert part is not None
    return str(part.get_content())


def _own(demo: Path, choices: tuple[str, ...]) -> str:
    """What a reader of the demo would get who chose so, as the commands show it."""

    def digest(*arguments: str) -> None:
        line = [sys.executable, "-m", "digest", "--config", "digest.toml", *arguments]
        subprocess.run(line, check=True, cwd=demo, stdout=subprocess.DEVNULL)

    [reader] = {
        message_from_bytes(file.read_bytes(), policy=policy.default)["To"].addresses[0].addr_spec
        for file in demo.glob(f"mails/*/*{ENGLISH}*.eml")
    }
    digest("newsletter", "offer", NEWSLETTER, "--topics", "--lengths", "headlines", "--reasons")
    digest("subscriber", "choose", reader, "--newsletter", NEWSLETTER, *choices)
    if not (demo / "preview").exists():
        digest("edition", "build", NEWSLETTER, "--no-collect")
    digest("edition", "preview", "2", "--for", reader)
    return (demo / "preview" / "edition-2.html").read_text()


def _mail(browser: Browser, html: str, name: str, width: int, scheme: str) -> None:
    """The whole mail, from top to bottom."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.route("**/*", _from_the_demo)
    page.set_content(html, wait_until="load")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name}: wider than {width}"
    missing = page.evaluate("[...document.images].filter(image => !image.naturalWidth).map(image => image.src)")
    assert not missing, f"{name}: no picture for {missing}"
    _keep(page.screenshot(full_page=True), name)
    page.close()


def _from_the_demo(route: Route) -> None:
    """Answer for the invented site; everything else stays unanswered."""
    data = content.pictures().get(urlsplit(route.request.url).path.removeprefix("/img/"))
    if data is None:
        route.abort()
    else:
        route.fulfill(body=data, content_type="image/png")


def _inbox(browser: Browser, file: Path) -> None:
    page = browser.new_page(viewport={"width": 1180, "height": 800}, color_scheme="light")
    page.goto(file.as_uri())
    page.locator("#list button", has_text=ENGLISH).click()
    page.wait_for_function("document.getElementById('html').srcdoc")
    page.wait_for_timeout(500)  # the mail in the frame draws
    _keep(page.screenshot(), "inbox.png")
    page.close()


def _beside_each_other(left: str, right: str, name: str, *, height: int) -> None:
    """The beginnings of two pictures, for the top of the README."""
    first, second = (Image.open(HERE / each).convert("RGB") for each in (left, right))
    both = Image.new("RGB", (first.width + second.width, height))
    both.paste(first, (0, 0))
    both.paste(second, (first.width, 0))
    out = io.BytesIO()
    both.save(out, "PNG")
    _keep(out.getvalue(), name)


def _keep(data: bytes, name: str) -> None:
    """As many colours as fit under the limit."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    for colours in (256, 128, 64, 32):
        out = io.BytesIO()
        picture.quantize(colours, method=Image.Quantize.MEDIANCUT).save(out, "PNG", optimize=True)
        if out.tell() < MAX_BYTES:
            break
    assert out.tell() < MAX_BYTES, f"{name}: {out.tell():,} bytes"
    (HERE / name).write_bytes(out.getvalue())


if __name__ == "__main__":
    main()
