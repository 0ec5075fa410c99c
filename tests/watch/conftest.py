"""The browser of the tests of the page: one for all of them; and the written page in it."""

import pytest
from browser_pages import chromium, open_page  # noqa: F401

from twolayer.watch.bundle import page_html


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_bytes(page_html().encode())
    return path.as_uri()


@pytest.fixture
def opened(chromium, address):  # noqa: F811
    """open("program=P1") gives the page with that setting; all are looked through for complaints at the end."""
    entered = []

    def open_with(link="program=small", **how):
        manager = open_page(chromium, f"{address}#lang=en&{link}", **how)
        entered.append(manager)
        return manager.__enter__()

    yield open_with
    for manager in entered:
        manager.__exit__(None, None, None)
