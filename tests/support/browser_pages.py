"""A page in a real Chromium with the network off: any request, any error in its console, fails the test."""

import shutil
import time
from contextlib import contextmanager

import pytest

INSIDE = ("file:", "blob:", "data:")


@pytest.fixture(scope="session")
def chromium():
    """A browser without a window; skips the test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as library:
        browser = library.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def open_page(browser, url, width=1280, height=800, **context):
    """The page behind an address, when its program is ready."""
    complaints = []
    opened = browser.new_context(viewport={"width": width, "height": height}, **context)
    page = opened.new_page()
    page.set_default_timeout(30_000)
    page.on("console", lambda line: complaints.append(f"{line.type}: {line.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda request: request.url.startswith(INSIDE) or complaints.append(request.url)
    )
    page.goto(url)
    wait_until(page, "Boolean(window.app?.frame && window.app.drawn && !window.app.travelling)")
    yield page
    opened.close()
    assert complaints == []


def wait_until(page, condition, seconds=30):
    """Wait until an expression is true. (The page's own policy forbids what Playwright would do to wait for one.)"""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"never true: {condition}"
        page.wait_for_timeout(20)
