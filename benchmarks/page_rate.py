"""How many steps and pictures a second the page of `twolayer watch` makes at the tutorial's size, in a headless Chromium."""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twolayer.watch.bundle import page_html
from twolayer.watch.watch_settings import WATCH_ENGINES

COUNT_DRAWINGS = """() => {
    window.drawings = 0;
    let last = 0;
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    CanvasRenderingContext2D.prototype.drawImage = function (...values) {
        const now = performance.now();
        if (now - last > 4) window.drawings += 1;  // all matrices of one picture are drawn at once
        last = now;
        return draw.apply(this, values);
    };
}"""
FIRST_PICTURE = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
SECONDS = 5
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\S*")
LINES_TO_MASK = 9


def main(arguments: list[str] | None = None) -> None:
    """Print the milliseconds to the first picture, and steps and pictures a second of three parts of a run."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="python -m benchmarks page", description=__doc__)
    parser.add_argument("--out", help="a picture of the page in the middle of a step, such as docs/watch.png")  # fmt: skip
    parser.add_argument("--served", choices=WATCH_ENGINES, help="the engine of a server that runs the lines")  # fmt: skip
    options = parser.parse_args(arguments)
    out = options.out
    browser_path = shutil.which("chromium")
    if browser_path is None:
        parser.exit(2, "there is no chromium on this machine\n")
    with address_of_page(options.served) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.wait_for_timeout(1500)
        if options.served:
            page.select_option("[data-do=engine]", options.served)
            page.select_option("[data-do=run-by]", "server")
            page.wait_for_timeout(3000)
        print(f"first picture after {page.evaluate(FIRST_PICTURE):.0f} ms")
        if out is not None:
            draw_page(page, Path(out))
        rates = run_rates(page)
        browser.close()
    for name, values in zip(("steps", "pictures"), zip(*rates, strict=True), strict=True):
        each = ", ".join(f"{value:.1f}" for value in values)
        print(f"{name} a second: {statistics.median(values):.1f} ({each})")


@contextmanager
def address_of_page(served: str | None) -> Iterator[str]:
    """Yield the address of the written page, or of one that a server in another process gives."""
    if served is None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "page.html"
            path.write_text(page_html(), encoding="utf-8")
            yield path.as_uri()
        return
    words = [sys.executable, "-u", "-m", "twolayer", "watch", "--no-browser"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            for line in server.stdout:
                if found := ADDRESS.search(line):
                    yield found[0]
                    return
            raise SystemExit(f"the server ended with exit code {server.wait()}")
        finally:
            server.terminate()


def draw_page(page: Any, out: Path) -> None:
    """Run the first lines of a step, up to the mask, and keep the picture of it."""
    for _ in range(LINES_TO_MASK):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(250)
    page.screenshot(path=out)
    print(f"picture: {out}")


def run_rates(page: Any) -> list[tuple[float, float]]:
    """Return steps and pictures a second in three parts of a run as fast as the page can."""
    page.locator("input[type=range]").first.focus()
    page.keyboard.press("End")
    page.evaluate(COUNT_DRAWINGS)
    page.get_by_role("button", name=re.compile("Run")).first.click()
    page.wait_for_timeout(1500)
    rates = []
    for _ in range(3):
        before, start = counts(page), time.perf_counter()
        page.wait_for_timeout(1000 * SECONDS)
        after, seconds = counts(page), time.perf_counter() - start
        rates.append(((after[0] - before[0]) / seconds, (after[1] - before[1]) / seconds))
    return rates


def counts(page: Any) -> tuple[int, int]:
    """Return the steps and the pictures so far."""
    found = re.search(r"step\s+(\d+)", page.inner_text("body"))
    assert found is not None
    return int(found.group(1)), int(page.evaluate("window.drawings"))


if __name__ == "__main__":
    main()
