"""A link of the written page: what it carries of a table of one's own, and what is said of it."""

import numpy as np
from browser_pages import wait_until

ROWS = ["length,width,kind", *(f"{a:.2f},{b:.2f},{'ab'[int(a > b)]}" for a, b in np.random.default_rng(0).random((20, 2)))]  # fmt: skip


def with_table(opened, tmp_path, rows, link="program=P1&tab=data&seed=5"):
    path = tmp_path / "flowers.csv"
    path.write_text("\n".join(rows) + "\n")
    page = opened(link)
    page.locator("#own-file").set_input_files(path)
    page.get_by_text("flowers.csv: training on").wait_for()
    return page


def copied_link(page):
    page.locator("#tab-data").click()
    page.click("[data-do=copy-link]")
    page.locator("input.link").wait_for()
    return page.locator("input.link").input_value().partition("#")[2].removeprefix("lang=en&")


def test_a_small_table_travels_in_the_link(opened, tmp_path):
    page = with_table(opened, tmp_path, ROWS)
    page.locator("[data-do=target]").select_option("width")
    page.get_by_text("numbers as target").wait_for()
    page.locator("#tab-learning").click()
    page.evaluate("void (window.before = app.view)")
    page.locator("#typed-rate").fill("0.003")
    page.keyboard.press("Enter")
    wait_until(page, "app.view !== before && app.frame?.place === 0")  # the page is built anew
    for _ in range(3):
        page.click("[data-do=next_step]")
    wait_until(page, "app.losses.length === 3")
    assert "table=" not in page.evaluate("location.hash")
    link = copied_link(page)
    page.get_by_text("whoever has the link can read the table").wait_for()
    again = opened(link)
    wait_until(again, "app.settings.problem === 'own' && app.losses.length === 3")
    for name in ("settings", "losses", "tableTarget"):
        assert again.evaluate(f"app.{name}") == page.evaluate(f"app.{name}")
    assert again.evaluate("app.table.file") == "flowers.csv"


def test_a_table_too_large_for_a_link_is_not_in_it_and_both_ends_say_so(opened, tmp_path):
    numbers = np.random.default_rng(0).random((300, 20))
    rows = [",".join(f"c{k}" for k in range(20)), *(",".join(f"{v:.6f}" for v in row) for row in numbers)]  # fmt: skip
    page = with_table(opened, tmp_path, rows)
    link = copied_link(page)
    page.get_by_text("Your table is too large for a link").wait_for()
    assert "table=" not in link
    assert len(link) < 200
    again = opened(link)
    again.get_by_text("was made while the page ran a table, and does not hold it").wait_for()


def test_a_damaged_link_says_so(opened, tmp_path):
    link = copied_link(with_table(opened, tmp_path, ROWS))
    page = opened(link[:-9])
    page.get_by_text("The table in this link is damaged").wait_for()
    assert page.evaluate("app.settings.program") == "small"


def test_a_link_without_a_table_says_where_it_opens(opened):
    page = opened("program=P4&step=3&tab=data")
    link = copied_link(page)
    page.get_by_text("It opens where this file is").wait_for()
    again = opened(link)
    assert again.evaluate("app.losses") == page.evaluate("app.losses")
