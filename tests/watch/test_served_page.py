"""The page as the server gives it, in a real browser: engines, torch's own errors, a lost connection, two tabs.

Expected losses come from the ladder's NumPy engine.
"""

from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np
import pytest
from browser_pages import wait_until
from page_client import running_server
from slow_cases import slow

import twolayer as tl
from twolayer.tutorial.ladder import PROGRAMS, ladder_arrays

TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
LOST = "WebSocket connection to"  # what the browser itself says of a connection that it cannot make


@pytest.fixture(scope="module")
def server():
    with running_server() as server:
        yield server


@contextmanager
def served_page(browser, server, link="program=small"):
    """The page with a setting; what its console says and whatever it asks of others fails the test."""
    complaints = []
    opened = browser.new_context(viewport={"width": 1280, "height": 800})
    page = opened.new_page()
    page.set_default_timeout(30_000)
    own = (server.url, server.url.replace("http", "ws", 1), "blob:", "data:")
    page.on("console", lambda line: complaints.append(line.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda request: request.url.startswith(own) or complaints.append(request.url)
    )
    page.goto(f"{server.url}#lang=en&{link}")
    wait_until(page, "Boolean(window.app?.frame && window.app.drawn)")
    yield page
    opened.close()
    assert [text for text in complaints if LOST not in text] == []


def run_by_server(page, engine="numpy"):
    page.select_option("[data-do=engine]", engine)
    page.select_option("[data-do=run-by]", "server")
    wait_until(page, "app.session.settled && app.frame?.place === 0", 90)
    page.evaluate("document.activeElement.blur()")


def ladder_losses(name, steps):
    program = PROGRAMS[name]
    arrays = ladder_arrays(program)
    how = program.training() | {"steps": steps}
    return tl.train(arrays.x, arrays.y, arrays.params, **how, engine="numpy").losses


@TORCH
@pytest.mark.parametrize("engine", ["numpy", "autograd", *slow("torch", "custom")])
def test_every_engine_runs_the_lines_that_are_shown(chromium, server, engine):
    with served_page(chromium, server, "program=P1") as page:
        run_by_server(page, engine)
        shown = page.locator(".listing .line .c").all_inner_texts()
        lines = page.evaluate("app.lines.map((line) => line.code)")
        assert [code.strip() for code in shown][-len(lines) :] == [code.strip() for code in lines]
        if engine != "numpy":
            assert "h = x.mm(w1)" in lines
        for step in range(3):
            page.keyboard.press("Shift+ArrowRight")
            wait_until(page, f"app.losses.length === {step + 1}")
        np.testing.assert_allclose(page.evaluate("app.losses"), ladder_losses("P1", 3), rtol=1e-10)
        page.keyboard.press("ArrowLeft")
        wait_until(page, "app.frame?.position === app.lines.length - 1")
        assert page.locator("[data-variable=grad_w1]").is_visible()
        assert page.locator(".line[aria-current=step]").count() == 1


def test_it_runs_pauses_and_draws_the_newest_state(chromium, server):
    with served_page(chromium, server) as page:
        run_by_server(page)
        page.evaluate("app.setSpeed(4)")
        page.keyboard.press("p")
        wait_until(page, "app.frame?.running && app.frame?.iteration > 20")
        page.keyboard.press("p")
        wait_until(page, "app.frame?.running === false")
        step = page.evaluate("app.frame.iteration")
        page.wait_for_timeout(200)
        assert page.evaluate("app.frame.iteration") == step


@TORCH
def test_a_trap_of_autograd_ends_in_torchs_own_error(chromium, server):
    with served_page(chromium, server) as page:
        page.click("#tab-break")
        page.evaluate("document.querySelector('details.panel').open = true")
        page.click("[data-break=rebind]")
        wait_until(
            page, "app.session.isRemote && app.lines.some((line) => line.changed === 'rebind')", 90
        )
        page.evaluate("document.activeElement.blur()")
        for _ in range(2):
            page.keyboard.press("Shift+ArrowRight")
        wait_until(page, "Boolean(app.frame?.stopped)")
        assert "NoneType" in page.locator(".left .alert").inner_text()
        page.select_option("[data-do=run-by]", "page")
        wait_until(page, "!app.session.isRemote && app.frame?.stopped === null")
        assert page.evaluate("app.settings.breaks") == []


def test_a_mistake_that_an_engine_cannot_make_is_said_and_the_page_runs_it(chromium, server):
    with served_page(chromium, server, "program=small&break=mask") as page:
        page.select_option("[data-do=engine]", "autograd")
        page.select_option("[data-do=run-by]", "server")
        wait_until(page, "!app.session.status.hidden")
        assert "mask" in page.locator("header [role=alert]:visible").inner_text()
        assert page.evaluate("app.session.isRemote") is False
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("ArrowRight")
        wait_until(page, "app.frame?.place === 1")


def test_a_lost_connection_is_said_and_the_run_goes_on_where_it_was(chromium, server):
    with served_page(chromium, server) as page:
        run_by_server(page)
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        wait_until(page, "app.frame?.place === 5")
        page.evaluate(
            "app.session.serverSession.wait = 1500, app.session.serverSession.socket.close()"
        )
        wait_until(page, "!app.session.status.hidden")
        assert "lost" in page.locator("header [role=alert]:visible").inner_text()
        page.keyboard.press("ArrowRight")  # asked while there is no connection
        wait_until(page, "app.session.status.hidden && app.frame?.place === 6")


def test_a_run_that_the_server_has_forgotten_is_made_anew(chromium, server):
    with served_page(chromium, server) as page:
        run_by_server(page)
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        wait_until(page, "app.frame?.place === 4")
        page.evaluate(
            "app.session.serverSession.url += '-as-if-new', app.session.serverSession.socket.close()"
        )
        wait_until(page, "app.session.serverSession.ready && app.session.status.hidden")
        page.keyboard.press("ArrowRight")
        wait_until(page, "app.frame?.place === 5")


def test_two_tabs_have_a_run_each(chromium, server):
    with served_page(chromium, server) as one, served_page(chromium, server) as other:
        for page in (one, other):
            run_by_server(page)
        one.keyboard.press("Shift+ArrowRight")
        wait_until(one, "app.frame?.place > 5")
        assert other.evaluate("app.session.remote.ask('frame', {}).then(({ place }) => place)") == 0


@TORCH
def test_two_engines_side_by_side(chromium, server):
    with served_page(chromium, server) as page:
        page.click("#tab-compare")
        page.select_option("[data-side=A-dtype]", "float64")
        page.select_option("[data-side=B-dtype]", "float64")
        page.select_option("[data-side=B-engine]", "torch")
        page.click("[data-do=compare]")
        wait_until(page, "document.querySelector('[data-finished=true]') !== null", 60)
        said = page.locator("[data-finished=true]").inner_text()
        assert "never differ by more than 1 %" in said or "the same" in said


def test_more_than_the_server_takes_is_said(chromium, server):
    with served_page(chromium, server) as page:
        run_by_server(page)
        page.keyboard.press("ArrowRight")
        wait_until(page, "app.frame?.place === 1")
        page.evaluate(
            "app.session.remote.ask('start', { own: new Float64Array(7e6) }).catch(() => { window.refused = true; })"
        )
        wait_until(page, "window.refused === true")
        page.keyboard.press("ArrowRight")
        wait_until(page, "app.frame?.place === 2")


def test_what_the_server_adds_is_readable_by_all(chromium, server):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with served_page(chromium, server) as page:
        run_by_server(page)
        for name in ("break", "compare"):
            page.click(f"#tab-{name}")
            page.evaluate(
                "document.querySelectorAll('#panel details').forEach((one) => { one.open = true; })"
            )
            page.wait_for_timeout(200)
            found = axe.run(page).response["violations"]
            assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
