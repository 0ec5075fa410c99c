"""The page's modules are joined into scripts in which each stands after what it needs."""

import re
from importlib import resources

import pytest

from twolayer.watch import bundle

MODULES = sorted(
    path.name
    for path in resources.files("twolayer.watch").joinpath("page").iterdir()
    if path.name.endswith(".js")
)


def test_each_module_stands_after_all_that_it_imports():
    for entry in (bundle.PAGE_ENTRY, bundle.WORKER_ENTRY):
        order = bundle.module_order(entry)
        for at, name in enumerate(order):
            imported = {module for _, module in bundle.IMPORT_LINE.findall(bundle.page_file(name))}
            assert imported <= set(order[:at]), name


def test_every_module_is_part_of_the_page():
    assert set(MODULES) == {*bundle.module_order(bundle.PAGE_ENTRY), *bundle.module_order(bundle.WORKER_ENTRY)}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_a_module_keeps_to_what_the_bundle_understands(name):
    source = bundle.page_file(name)
    assert len(source.splitlines()) <= 500
    assert len(re.findall(r"^import ", source, re.MULTILINE)) == len(
        bundle.IMPORT_LINE.findall(source)
    )
    assert len(re.findall(r"^export ", source, re.MULTILINE)) == len(
        bundle.EXPORT_WORD.findall(source)
    )
    assert all(line.count("`") % 2 == 0 for line in source.splitlines()), (
        "the bundle takes indents away"
    )


def test_modules_that_import_each_other_are_refused(monkeypatch):
    files = {
        "one.js": 'import { b } from "./two.js";\n',
        "two.js": 'import { a } from "./one.js";\n',
    }
    monkeypatch.setattr(bundle, "page_file", files.__getitem__)
    with pytest.raises(ValueError, match=r"one\.js -> two\.js -> one\.js"):
        bundle.module_order("one.js")


def test_a_script_that_would_end_its_element_is_refused():
    with pytest.raises(ValueError, match="would end its element"):
        bundle.script_text('const a = "</script>";')
    assert "<" not in bundle.json_text({"a": "</script>"})


LABEL = re.compile(
    r'^  (\w+): \[\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)",?\s*\],$', re.MULTILINE
)


def test_every_label_is_used_and_every_one_used_is_there():
    """The texts that the page asks for by name, and no others; each in both languages with the same values."""
    labels = {name: texts for name, *texts in LABEL.findall(bundle.page_file("labels.js"))}
    assert len(labels) == len(re.findall(r"^  \w+: ", bundle.page_file("labels.js"), re.MULTILINE))
    sources = "".join(bundle.page_file(name) for name in MODULES if name != "labels.js")
    exact = set(re.findall(r'"(\w+)"', sources))
    families = set(re.findall(r"`(\w+_)\$\{", sources)) | set(re.findall(r"\}(_\w+)`", sources))
    unused = {
        name
        for name in labels
        if name not in exact
        and not any(name.startswith(one) or name.endswith(one) for one in families)
    }
    assert unused == set()
    asked = set(re.findall(r'\bsay\("(\w+)"', sources))
    asked |= set(re.findall(r'TableFault\("(\w+)"', sources))
    assert asked - set(labels) == set()
    for name, (english, chinese) in labels.items():
        values = [sorted(set(re.findall(r"\{\w+\}", text))) for text in (english, chinese)]
        assert values[0] == values[1], name


def test_no_sentence_speaks_of_darker_or_paler_colours():
    """What is darker in the light theme is brighter in the dark one."""
    said = re.findall(r"darker|brighter|lighter|越深|越浅", bundle.page_file("labels.js"))
    assert said == []
