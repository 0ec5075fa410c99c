"""The browser of the tests of the page: one for all of them."""

from browser_pages import chromium  # noqa: F401
