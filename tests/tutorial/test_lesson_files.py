"""The handout and the notebook of `twolayer explain`: complete, self-contained, and with figures computed here once more."""

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from command_line import contents, done
from explain_pages import SMALL, arrays, numpy_run
from threadpoolctl import threadpool_limits

from twolayer.tutorial.explain import handout, notebook
from twolayer.tutorial.explain.execution import run_source
from twolayer.tutorial.explain.handout import lesson_handout, pencil_numbers
from twolayer.tutorial.explain.notebook import lesson_notebook
from twolayer.tutorial.explain.why import QUESTIONS

CHEAP = {name: QUESTIONS[name] for name in ("product", "entries", "start", "mean")}


class Tables(HTMLParser):
    """Every figure of a page: name, shape text, cells, total; sheet and key apart."""

    def __init__(self, html):
        super().__init__()
        self.found, self.text, self.tag = [], "", ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "figure":
            self.found.append({"rows": [], "captions": []})
        elif tag == "tr":
            self.found[-1]["rows"].append([])
        elif tag == "td":
            self.found[-1]["rows"][-1].append("")
        elif tag == "figcaption":
            self.found[-1]["captions"].append("")
        self.tag = tag

    def handle_data(self, data):
        self.text += data
        if self.tag == "td":
            self.found[-1]["rows"][-1][-1] += data
        elif (
            self.found and self.found[-1]["captions"] and self.tag in ("figcaption", "code", "span")
        ):
            self.found[-1]["captions"][-1] += data

    def handle_endtag(self, tag):
        if tag in ("td", "figcaption", "figure"):
            self.tag = ""


@pytest.fixture(autouse=True)
def cheap_questions(monkeypatch):
    """Questions whose runs are short, on paper and in the notebook."""
    monkeypatch.setattr(handout, "QUESTIONS_ON_PAPER", ("product", "start"))
    monkeypatch.setattr(notebook, "QUESTIONS", CHEAP)


def sheet_and_key(seed=0, lang="en"):
    html = lesson_handout(seed, lang).decode()
    sheet, key = html.split('<section class="key">')
    return Tables(sheet), Tables(key), html


# The handout


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_the_key_is_one_step_of_the_given_numbers(seed):
    sheet, key, _ = sheet_and_key(seed)
    given = {re.match(r"\w+", f["captions"][0])[0]: np.array(f["rows"], float) for f in sheet.found[:4]}  # fmt: skip
    x, y, w1, w2 = (given[name] for name in ("x", "y", "w1", "w2"))
    h = x @ w1
    residual = np.maximum(h, 0) @ w2 - y
    back = 2 * residual @ w2.T
    grad_w1, grad_w2 = x.T @ (back * (h >= 0)), np.maximum(h, 0).T @ (2 * residual)
    expected = [h, np.maximum(h, 0), residual + y, 2 * residual, grad_w2, back, back, back * (h >= 0), grad_w1]  # fmt: skip
    expected += [w1 - 0.01 * grad_w1, w2 - 0.01 * grad_w2]
    assert len(key.found) == len(expected)
    for figure, array in zip(key.found, expected, strict=True):
        np.testing.assert_allclose(np.array(figure["rows"], float), array, atol=1e-9)
        assert str(array.shape) in figure["captions"][0]
        assert f"adds up to {array.sum():g}" in figure["captions"][1]
    assert f"loss = {(residual**2).sum():g}" in key.text.replace("\n", " ")


def test_the_sheet_has_gaps_and_no_answers():
    sheet, key, _ = sheet_and_key()
    gaps = sheet.found[4:]
    assert len(gaps) == len(key.found)
    for gap, answer in zip(gaps, key.found, strict=True):
        assert [len(row) for row in gap["rows"]] == [len(row) for row in answer["rows"]]
        assert not any(cell for row in gap["rows"] for cell in row)
        totals = [re.match(r"adds up to \S+", f["captions"][1])[0] for f in (gap, answer)]
        assert totals[0] == totals[1]


def test_the_questions_say_which_program_they_are_about():
    html = " ".join(sheet_and_key()[2].split())
    assert "64 rows, 1000 inputs, 100 hidden units, 10 outputs, all random, and learning_rate = 1e-06." in html  # fmt: skip
    assert "learning_rate = 0.01" in html


def test_each_seed_has_other_numbers_that_do_something():
    sheets = set()
    for seed in range(20):
        x, y, params = pencil_numbers(seed)
        h = x @ params.w1
        grad_h_relu = 2 * (np.maximum(h, 0) @ params.w2 - y) @ params.w2.T
        assert grad_h_relu[h < 0].all()  # what the mask clears was not 0 before
        assert (h < 0).sum() == 1
        assert h.all()
        assert not (h < 0).all(0).any()
        sheets.add((x.tobytes(), params.w1.tobytes()))
    assert len(sheets) == 20


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_handout_needs_nothing_from_elsewhere(lang):
    html = sheet_and_key(lang=lang)[2]
    assert not re.search(r"https?:|<script|<img|@import|url\(", html)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in html.split("</style>")[1]) == (lang == "zh")  # fmt: skip
    for name in ("product", "start"):
        assert QUESTIONS[name].title.said(lang) in html.replace("&#x27;", "'")


def test_the_key_begins_a_page_of_its_own_and_nothing_is_wider_than_a4(tmp_path):
    if not shutil.which("chromium"):
        pytest.skip("needs Chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    path = tmp_path / "sheet.html"
    path.write_bytes(lesson_handout(0, "en"))
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 673, "height": 900})  # A4 less its margins
        page.emulate_media(media="print")
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 673
        rule = "getComputedStyle(document.querySelector('.key')).breakBefore"
        assert page.evaluate(rule) == "page"
        pdf = page.pdf(format="A4")
        browser.close()
    assert len(re.findall(rb"/Type /Page\b(?!s)", pdf)) >= 4


# The notebook


@pytest.fixture(scope="module")
def made():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notebook, "QUESTIONS", CHEAP)
        before = np.get_printoptions()
        books = {lang: json.loads(lesson_notebook(SMALL, lang)) for lang in ("en", "zh")}
        assert np.get_printoptions() == before  # which a cell sets
        return books


def printed(cell):
    return "".join(line for output in cell["outputs"] for line in output["text"])


def test_it_is_a_notebook_of_format_4(made):
    for book in made.values():
        assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
        identities = [cell["id"] for cell in book["cells"]]
        assert len(set(identities)) == len(identities)
        for cell in book["cells"]:
            assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
            needed = {"id", "cell_type", "metadata", "source"}
            needed |= {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
            assert set(cell) == needed
            for output in cell.get("outputs", []):
                assert set(output) == {"output_type", "name", "text"}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_its_cells_run_in_order_and_print_what_stands_below_them(made, lang):
    names = {}
    with threadpool_limits(1), np.printoptions():
        for cell in made[lang]["cells"]:
            if cell["cell_type"] == "code":
                outcome = run_source(cell["source"], names)
                assert not outcome.error, cell["source"]
                assert outcome.text.strip() == printed(cell).strip(), cell["source"]


def test_its_losses_are_those_of_the_program(made):
    losses = numpy_run(*arrays(SMALL), 1e-3, SMALL.steps)[0]
    cells = [cell for cell in made["en"]["cells"] if cell["cell_type"] == "code"]
    loss = next(cell for cell in cells if cell["source"].startswith("loss ="))
    assert float(printed(loss)) == pytest.approx(losses[0], rel=1e-12)
    loop = next(cell for cell in cells if "for t in range(12)" in cell["source"])
    shown = dict(re.findall(r"^(\d+) (\S+)$", printed(loop), re.M))
    assert {int(t) for t in shown} == set(range(12))
    for t, value in shown.items():
        assert float(value) == pytest.approx(losses[int(t)], rel=1e-9)


def test_its_sentences_are_in_its_language(made):
    for lang, book in made.items():
        text = " ".join(cell["source"] for cell in book["cells"] if cell["cell_type"] == "markdown")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text) == (lang == "zh")
        assert r"y\_pred" in text
        for question in CHEAP.values():
            assert question.title.said(lang) in text


# The command


def test_both_are_written_by_one_command(capsys, tmp_path):
    paths = [tmp_path / "a.html", tmp_path / "b.ipynb"]
    words = ["--handout", paths[0], "--notebook", paths[1], "--seed", "3", "--lang", "zh"]
    code, out, err = done(capsys, "explain", *words)
    assert (code, err) == (0, "")
    assert out == "".join(f"已写入：{path}\n" for path in paths)
    assert "第 3 号卷" in paths[0].read_text()
    assert "np.random.default_rng(3)" in json.dumps(json.loads(paths[1].read_text()))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--handout {}/no/a.html", "there is no folder"),
        ("--handout {}", "cannot be written|is a folder"),
        ("--handout {}/a.html --notebook {}/a.html", "cannot be one file"),
        ("--handout {}/a.html --n-rows 3", "--n-rows has no meaning with --handout"),
        ("--notebook {}/a.ipynb --question rate", "--question has no meaning with --notebook"),
        ("--notebook {}/a.ipynb --line 3", "--line has no meaning with --notebook"),
    ],
)
def test_what_cannot_be_written_is_one_line_and_no_file(capsys, tmp_path, words, said):
    code, out, err = done(capsys, "explain", *words.format(tmp_path, tmp_path).split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert re.search(said, err), err
    assert contents(tmp_path) == {}
