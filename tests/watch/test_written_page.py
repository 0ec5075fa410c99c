"""The written page in a real browser: every button, switch and view, in both languages, with the network off."""

import re

import numpy as np
import pytest
from browser_pages import wait_until

import twolayer as tl
from twolayer.tutorial.ladder import PROGRAMS, ladder_arrays
from twolayer.watch.bundle import page_html

MOST_BYTES = 400_000
VIEWS = ["matrices", "learning", "units", "break", "quiz", "compare", "data"]


def numpy_losses(name, steps):
    program = PROGRAMS[name]
    arrays = ladder_arrays(program)
    how = program.training() | {"steps": steps}
    return tl.train(arrays.x, arrays.y, arrays.params, **how, engine="numpy").losses


def test_the_page_is_small_and_names_no_address():
    content = page_html()
    assert len(content.encode()) < MOST_BYTES
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", content)
    assert "default-src 'none'" in content


def test_it_draws_and_computes_what_numpy_does(opened):
    page = opened("program=P1&step=5&line=12")
    losses = page.evaluate("window.app.losses")
    np.testing.assert_allclose(losses, numpy_losses("P1", 6), rtol=1e-12)
    assert page.locator(".card").count() == 14


def test_lines_and_steps_forth_and_back(opened):
    page = opened("program=small")
    lit = page.locator("[aria-current=step]")
    assert lit.count() == 0
    assert page.locator(".card .none:visible").count() == 10
    page.click("[data-do=next_line]")
    wait_until(page, "window.app.frame.place === 1")
    assert "h = x.dot(w1)" in lit.inner_text()
    page.keyboard.press("ArrowRight")
    wait_until(page, "window.app.frame.place === 2")
    assert page.locator(".card.written").get_attribute("data-variable") == "h_relu"
    page.click("[data-do=next_step]")
    wait_until(page, "window.app.frame.place === 12")
    first = page.evaluate("window.app.losses[0]")
    page.keyboard.press("Shift+ArrowRight")
    wait_until(page, "window.app.frame.place === 24")
    page.keyboard.press("Shift+ArrowLeft")
    wait_until(page, "window.app.frame.place === 12")
    page.click("[data-do=back_line]")
    wait_until(page, "window.app.frame.place === 11")
    assert "w1 -= learning_rate" in lit.inner_text()
    assert page.evaluate("window.app.losses[0]") == first
    page.get_by_role("button", name="loss = np.square").click()
    wait_until(page, "window.app.frame.place === 16")
    page.click("[data-do=restart]")
    wait_until(page, "window.app.frame.place === 0 && window.app.losses.length === 0")
    assert page.locator(".card .none:visible").count() == 10


def test_it_runs_and_pauses_and_the_link_carries_the_place(opened):
    page = opened("program=P4")
    page.locator("#speed").fill("4")
    page.click("[data-do=run]")
    wait_until(page, "app.frame.iteration >= 5")
    page.keyboard.press("p")
    wait_until(page, "!window.app.frame.running")
    place = page.evaluate("window.app.frame.place")
    wait_until(page, "location.hash.includes('step=')")
    page.wait_for_timeout(400)
    link = page.evaluate("location.hash")
    again = opened(link.replace("#", ""))
    assert again.evaluate("window.app.frame.place") == place
    assert again.evaluate("window.app.losses") == page.evaluate("window.app.losses")


def test_a_cell_says_what_it_was_computed_from(opened):
    page = opened("program=small&step=0&line=1")
    page.locator("[data-variable=h]").click(position={"x": 30, "y": 40})
    row, column = page.evaluate("[app.chosen.row, app.chosen.column]")
    shown = page.locator(".formula").filter(has_text=f"h[{row}, {column}] =")
    shown.wait_for()
    assert page.locator(".terms tbody tr").count() == 3
    x, w1, h = (page.evaluate(f"(async () => Array.from((await app.session.ask('arrays', {{variables: ['{name}']}})).{name}.data))()") for name in ("x", "w1", "h"))  # fmt: skip
    value = float(shown.inner_text().split("=")[1])
    assert value == h[5 * row + column]
    np.testing.assert_allclose(value, np.dot(x[3 * row : 3 * row + 3], w1[column::5]))
    before = page.evaluate("[app.chosen.row, app.chosen.column]")
    page.locator("table.window button[aria-pressed=true]").focus()
    page.keyboard.press("ArrowDown")
    wait_until(page, f"app.chosen.row === {before[0] + 1}")
    wait_until(page, "document.activeElement.getAttribute('aria-pressed') === 'true'")


def test_the_chain_rule_is_a_formula(opened):
    page = opened("program=P3&step=1&line=8")
    assert page.locator("math mfrac").count() == 2
    assert page.locator("math").get_attribute("aria-label") == "∂loss/∂w2 = h_reluᵀ · ∂loss/∂y_pred"


def test_a_line_before_the_loop_says_what_it_does_when_clicked(opened):
    page = opened("program=P1&step=0&line=3")
    page.locator(".listing summary").click()
    page.get_by_role("button", name="learning_rate = 1e-06").click()
    page.locator(".what").get_by_text("in one step each weight moves").wait_for()
    page.locator(".what").get_by_text("the loss is a sum over all rows").wait_for()
    assert page.evaluate("app.frame.place") == 3
    page.locator(".what").get_by_role("button", name="See what other rates do").click()
    page.locator("#rate").wait_for()
    page.click("[data-do=next_line]")
    page.locator(".what").get_by_text("loss = np.square(y_pred - y).sum()").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_button_is_narrower_than_its_words(opened, lang, width):
    page = opened("program=small", width=width, height=844)
    if lang == "zh":
        page.click("[data-do=language]")
    page.click("[data-do=run]")
    wait_until(page, "app.frame.running")
    cut = """[...document.querySelectorAll(".controls button, .tabs button, header button")].filter((button) => {
        const words = document.createRange();
        words.selectNodeContents(button);
        const style = getComputedStyle(button);
        return words.getBoundingClientRect().width > button.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) + 0.5;
    }).map((button) => button.textContent)"""  # fmt: skip
    assert page.evaluate(cut) == []


def test_the_terms_of_a_sum_fit_beside_the_values(opened):
    page = opened("program=P1&step=3&line=6")
    page.locator(".terms").wait_for()
    assert page.evaluate("(() => { const box = document.querySelector('.terms'); return box.scrollWidth <= box.clientWidth; })()")  # fmt: skip


def test_a_gradient_that_is_not_computed_says_so(opened):
    page = opened("program=small")
    page.locator("[data-variable=grad_w1]").click()
    page.get_by_text("grad_w1 has not been computed yet").wait_for()


FIRST_WRONG = {"mask": "grad_h", "copy": "grad_h_relu", "order": "grad_h_relu", "mean": "loss", "accumulate": "grad_w2", "bias_sum": "grad_b2", "zeros": "w1", "flat_y": "y"}  # fmt: skip


def test_each_switch_turns_the_first_wrong_entry_red(opened):
    page = opened("program=P3&rows=8&inputs=6&hidden=5&outputs=2&rate=0.001&tab=break")
    for name, variable in FIRST_WRONG.items():
        page.locator(f"[data-break={name}]").check()
        page.get_by_role("button", name="Run to the first difference").click()
        found = page.locator("[data-found]")
        found.wait_for()
        assert found.get_attribute("data-found") == variable
        page.locator("#tab-matrices").click()
        page.locator(f".card.wrong[data-variable={variable}]").wait_for()
        page.locator("#tab-break").click()
        page.get_by_role("button", name="Repair the program").click()
        wait_until(page, "app.settings.breaks.length === 0")


def test_a_program_that_stops_says_numpys_words(opened):
    page = opened("program=P3&break=bias_sum&step=1")
    page.get_by_text("non-broadcastable output operand with shape (100,)").first.wait_for()
    assert (
        page.locator(".line.stopped").inner_text().strip().endswith("b1 -= learning_rate * grad_b1")
    )


def test_the_rate_has_zones_and_a_run_that_diverges_says_so(opened):
    page = opened("program=small&tab=learning")
    wait_until(page, "app.trials.length === 13 && Number.isFinite(app.curvature)")
    assert {"smooth", "diverges"} <= set(page.evaluate("app.trials.map(({ zone }) => zone)"))
    page.locator("#rate").focus()
    page.keyboard.press("End")
    wait_until(page, "app.settings.rate > 0.1")
    page.locator("#speed").fill("5")
    page.click("[data-do=run]")
    page.get_by_text("the run has diverged").first.wait_for()
    wait_until(page, "!app.frame.running")


def scale_of(page):
    wait_until(page, "Boolean(app.rateEnds) && !document.getElementById('rate').disabled")
    return page.locator(".scale").inner_text().split()


def test_the_scale_of_rates_has_numbers_and_its_ends_stay(opened):
    page = opened("program=P1&tab=learning&rate=5e-6")
    numbers = scale_of(page)
    assert numbers == ["1e−8", "1e−7", "1e−6", "1e−5", "1e−4"]
    for key, rate in (("Home", 1e-8), ("End", 1e-4), ("ArrowLeft", 8.3e-5)):
        page.locator("#rate").focus()
        page.evaluate("void (window.before = app.view)")
        page.keyboard.press(key)
        wait_until(page, "app.view !== before && app.frame")  # the page is built anew
        assert page.evaluate("app.settings.rate") == rate
        assert scale_of(page) == numbers
        assert page.locator("#rate").get_attribute("aria-valuetext") == page.locator("#typed-rate").input_value()  # fmt: skip
    assert page.locator("#typed-rate").input_value() == "8.3e-5"


def test_a_rate_can_be_written_and_one_that_is_none_is_refused(opened):
    page = opened("program=P1&tab=learning")
    scale_of(page)
    for wrong in ("fast", "0", "-1e-6", ""):
        page.locator("#typed-rate").fill(wrong)
        page.keyboard.press("Tab")
        page.get_by_text("The learning rate must be a number above 0").wait_for()
        assert page.evaluate("app.settings.rate") == 1e-6
    page.locator("#typed-rate").fill("0.5")
    page.keyboard.press("Enter")
    wait_until(page, "app.settings.rate === 0.5 && app.frame")
    page.get_by_text("The rate 0.5 is beyond this scale").wait_for()


def test_the_sentence_says_that_units_died_and_what_0_costs(opened):
    page = opened("program=P1&tab=learning&rate=2.2e-6&step=60")
    page.get_by_text(re.compile(r"Dead units: [3-9]\d of 100\. .* At the start there were 0: steps that were too long")).wait_for()  # fmt: skip
    page.get_by_text("more than predicting 0 everywhere costs (609.1)").wait_for()
    page = opened("program=P1&tab=learning&rate=1e-7&step=30")
    page.get_by_text("The loss fell from").wait_for()
    assert "Dead units" not in page.locator("#panel").inner_text()


def test_the_table_of_trials_grows_as_they_are_run(opened):
    page = opened("program=P1&tab=learning")
    wait_until(page, "app.trials.length > 0")
    page.get_by_text("Table of trials", exact=True).click()
    wait_until(page, "app.trials.length === 13")
    page.wait_for_timeout(200)
    assert page.locator("section:has(.rate) tbody tr").count() == 13


def test_trials_of_a_program_that_was_left_are_not_shown(opened):
    page = opened("program=P1&tab=learning")
    wait_until(page, "app.trials.length > 0")
    page.locator("#tab-matrices").click()
    page.locator("[data-do=program]").select_option("small")
    wait_until(page, "app.settings.program === 'small' && app.frame")
    page.wait_for_timeout(1500)
    assert page.evaluate("app.trials.length") == 0


def test_two_runs_of_another_program_begin_with_its_rate(opened):
    page = opened("program=P1&tab=compare")
    page.locator("[data-do=program]").select_option("small")
    wait_until(page, "document.querySelector('[data-side=A-rate]')?.value === '0.01'")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (844, 390)])
@pytest.mark.parametrize("tab", ["matrices", "learning"])
def test_on_a_phone_the_line_and_what_it_does_are_on_one_screen(opened, tab, width, height):
    page = opened(f"program=P1&step=2&line=9&tab={tab}", width=width, height=height)
    if height < width:  # on its side: the first lines of the page are scrolled away
        page.evaluate("scrollTo(0, document.querySelector('header.top').offsetHeight)")
    lit, listing, what, seen = (
        page.locator(place).first.bounding_box()
        for place in ("[aria-current=step]", ".listing", ".what", ".card.written" if tab == "matrices" else "#panel .wide-canvas")
    )  # fmt: skip
    steering = page.locator(".steering").bounding_box()
    assert listing["y"] >= steering["y"] + steering["height"]
    assert listing["y"] <= lit["y"] <= listing["y"] + listing["height"] - lit["height"]
    assert what["y"] < seen["y"] < height - 40


def test_units_and_plane_show_what_the_network_does(opened):
    page = opened("program=P4relu&step=200&tab=plane")
    page.get_by_text(re.compile(r"\d+ of 12 right")).wait_for()
    page.get_by_text("Table of points").click()
    rows = page.locator("#panel details table tbody tr")
    rows.nth(15).wait_for()
    assert rows.count() == 16
    page.locator("#tab-units").click()
    page.get_by_text("Table of units").click()
    rows.nth(9).wait_for()
    assert rows.count() == 10


def test_units_of_more_rows_than_are_drawn_are_counted_on_all(opened):
    page = opened("program=P1&rows=450&inputs=4&hidden=30&outputs=1&rate=1e-6&step=1&tab=units")
    page.get_by_text("The picture shows the first 400 of 450 rows.").wait_for()
    on, count = page.evaluate("[app.frame.units.counts.reduce((a, b) => a + b, 0), 450 * 30]")
    assert f"{on} of {count} entries are on" in page.locator("#panel").inner_text()


def test_questions_are_asked_and_checked(opened):
    page = opened("program=small&tab=quiz&seed=3")
    kinds = set()
    for asked in range(1, 9):
        page.locator(".question").wait_for()
        choices = page.locator("[data-answer]")
        kinds.add(choices.count())
        if choices.count():
            choices.first.click()
        else:
            page.locator("form input").fill("no number")
            page.keyboard.press("Enter")
            page.get_by_text("Please write a number").wait_for()
            page.locator("form input").fill("0")
            page.keyboard.press("Enter")
        page.locator("[data-right]").wait_for()
        assert page.evaluate("app.score.asked") == asked
        page.click("[data-do=next_question]")
    assert len(kinds) > 1


def test_another_seed_asks_with_other_numbers(opened):
    texts = []
    for seed in (1, 2, 3):
        page = opened(f"program=small&tab=quiz&seed={seed}&line=1")
        page.locator(".question").wait_for()
        texts.append(page.locator("#panel").inner_text())
    assert len(set(texts)) > 1


def test_two_runs_side_by_side_say_where_they_part(opened):
    page = opened("program=small&tab=compare")
    page.click("[data-do=compare]")
    page.locator("[data-finished=true]").wait_for()
    assert "They first differ in step 0" in page.locator("#panel").inner_text()
    page.locator("[data-side=B-dtype]").select_option("float64")
    page.locator("[data-side=B-rate]").fill("0.02")
    page.click("[data-do=compare]")
    page.get_by_text("From step 1 on their losses differ").wait_for()


def write_table(path, rows):
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_table_of_ones_own_is_trained_on(opened, tmp_path):
    rng = np.random.default_rng(0)
    points = rng.standard_normal((40, 2))
    rows = ["length,width,kind", *(f"{a:.3f},{b:.3f},{'red' if a > b else 'blue' if a > 0 else 'green'}" for a, b in points)]  # fmt: skip
    page = opened("program=P1&tab=data")
    page.locator("#own-file").set_input_files(write_table(tmp_path / "flowers.csv", rows))
    page.get_by_text("flowers.csv: training on 30 rows with 2 inputs and 3 classes").wait_for()
    page.locator("#speed").fill("5")
    page.click("[data-do=run]")
    wait_until(page, "app.frame.iteration >= 200")
    page.locator("#tab-plane").click()
    page.get_by_text(re.compile(r"\d+ of 30 right")).wait_for()
    page.locator("#tab-data").click()
    page.locator("[data-do=target]").select_option("width")
    page.get_by_text("numbers as target").wait_for()


FAULTS = {
    "gap": (["a,b", "1,2", "nan,3", "4,5", "6,7"], "Row 2, column “a” holds no number"),
    "ragged": (["a,b", "1,2", "3", "4,5", "6,7"], "Line 3 has another number of cells (1)"),
    "empty": ([""], "The file is empty"),
    "one column": (["a", "1", "2", "3", "4"], "only one column"),
    "few rows": (["a,b", "1,2"], "too few rows of data (1)"),
    "one class": (["a,b", *["1,yes"] * 5], "“yes” in every row"),
    "text": (["a,b", *[f"word{k},{k * 1.5}" for k in range(30)]], "holds 30 different texts"),
    "too long": (["a,b", *["1,2"] * 2500], "2500 rows"),
}


def test_a_table_that_does_not_fit_is_refused_in_a_sentence(opened, tmp_path):
    page = opened("program=small&tab=data")
    for name, (rows, sentence) in FAULTS.items():
        page.locator("#own-file").set_input_files(write_table(tmp_path / f"{name}.csv", rows))
        page.get_by_text(sentence).wait_for()
    (tmp_path / "latin.csv").write_bytes(b"a,b\n\xe9,1\n")
    page.locator("#own-file").set_input_files(tmp_path / "latin.csv")
    page.get_by_text("not text in UTF-8").wait_for()
    assert page.evaluate("app.settings.program") == "small"


def test_the_script_and_the_arrays_are_saved(opened):
    page = opened("program=small&tab=data&step=2")
    for button, name in {"Save": "two_layer_numpy.py", "All as safetensors": "two_layer.safetensors", "This one as CSV": "w1.csv"}.items():  # fmt: skip
        with page.expect_download() as started:
            page.get_by_role("button", name=button, exact=True).click()
        assert started.value.suggested_filename == name
        assert started.value.path().stat().st_size > 20


def test_every_view_speaks_chinese(opened):
    page = opened("program=P4&step=3")
    page.click("[data-do=language]")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    for name in [*VIEWS, "plane"]:
        page.locator(f"#tab-{name}").click()
        page.wait_for_timeout(100)
        said = page.locator("#panel").inner_text()
        assert re.search("[\u4e00-\u9fff]", said), name
        assert not re.search(r"\{\w+\}", said), name
    page.click("[data-do=language]")
    page.get_by_text("The two-layer program").wait_for()


def test_it_can_be_shown_in_each_engines_words(opened):
    page = opened("program=P3&step=1&line=8")
    page.locator("[data-do=engine]").select_option("autograd")
    assert "loss.backward()" in page.locator(".listing").inner_text()
    page.locator("[data-do=engine]").select_option("torch")
    assert "x.mm(w1)" in page.locator(".listing").inner_text()


def test_sizes_that_cannot_be_are_refused(opened):
    page = opened("program=P1")
    page.click("[data-do=sizes]")
    page.locator("[data-do=size-rows]").fill("0")
    page.keyboard.press("Tab")
    page.get_by_text("a whole number from 1 to 2000").wait_for()
    page.locator("[data-do=size-rows]").fill("10")
    page.keyboard.press("Tab")
    wait_until(page, "app.settings.rows === 10 && app.frame")


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_it_is_accessible(opened, theme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(f"program=P4relu&step=3&line=9&theme={theme}", width=width)
    for name in [*VIEWS, "plane"]:
        page.locator(f"#tab-{name}").click()
        page.wait_for_timeout(150)
        found = axe.run(page).response["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
