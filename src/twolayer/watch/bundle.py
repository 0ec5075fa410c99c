"""The page as one file: its modules joined, its texts inside, and a policy that lets it load nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from typing import Any

from twolayer.watch.texts import page_texts

PAGE_ENTRY, WORKER_ENTRY = "main.js", "worker.js"
IMPORT_LINE = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";\n', re.MULTILINE)
EXPORT_WORD = re.compile(r"^export (?=(?:async )?(?:const|let|function\*?|class) )", re.MULTILINE)
EXPORTED_NAME = re.compile(
    r"^export (?:async )?(?:const|let|function\*?|class) (\w+)", re.MULTILINE
)


def page_file(name: str) -> str:
    """Return the text of one of the page's files."""
    return resources.files("twolayer.watch").joinpath("page", name).read_text(encoding="utf-8")


def module_order(entry: str) -> list[str]:
    """Return the modules that one needs, each after all that it imports."""
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"modules import each other: {' -> '.join((*above, name))}")
        if name not in order:
            for _, imported in IMPORT_LINE.findall(page_file(name)):
                visit(imported, (*above, name))
            order.append(name)

    visit(entry, ())
    return order


def joined_modules(entry: str) -> str:
    """Return a module and all that it needs as one script: each module is a function's body, which returns its exports."""
    return '"use strict";\nconst modules = {};\n' + "\n".join(map(module_body, module_order(entry)))


def module_body(name: str) -> str:
    """Return one module as a part of a script."""
    source = page_file(name)

    def constants(match: re.Match[str]) -> str:
        names, module = match.groups()
        return f'const {{{names.replace(" as ", ": ")}}} = modules["{module}"];\n'

    exported = ", ".join(EXPORTED_NAME.findall(source))
    body = EXPORT_WORD.sub("", IMPORT_LINE.sub(constants, source))
    body = re.sub(
        r"^\s+|^//.*\n", "", body, flags=re.MULTILINE
    )  # comments and indents stay at home
    return f'modules["{name}"] = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();\n'


def page_html(first: dict[str, Any] | None = None, connect: str = "'none'") -> str:
    """Return the page: one HTML file that contains everything.

    Parameters
    ----------
    first : dict, optional
        What a server tells its page at the start, for JSON.
    connect : str
        What the page may connect to, as a content security policy names it.
    """
    script = joined_modules(PAGE_ENTRY) + f'modules["{PAGE_ENTRY}"].startPage();\n'
    worker = joined_modules(WORKER_ENTRY) + f'modules["{WORKER_ENTRY}"].serve(self);\n'
    style = page_file("page.css")
    policy = (
        f"default-src 'none'; script-src '{source_hash(script)}'; worker-src blob:; "
        f"style-src '{source_hash(style)}'; img-src data:; connect-src {connect}; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "POLICY": policy,
        "STYLE": style,
        "TEXTS": json_text(page_texts()),
        "FIRST": json_text(first or {}),
        "WORKER": script_text(worker),
        "SCRIPT": script_text(script),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], page_file("page.html"))


def source_hash(source: str) -> str:
    """Return the name of a script or style in a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def json_text(value: Any) -> str:
    """Return JSON that can stand in a script element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def script_text(source: str) -> str:
    """Return a script, which must not hold what would end its element."""
    if re.search(r"</script|<!--", source, re.IGNORECASE):
        raise ValueError("a script of the page holds </script or <!--, which would end its element")
    return source
