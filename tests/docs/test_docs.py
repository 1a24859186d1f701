# SPDX-License-Identifier: Apache-2.0
"""The documentation is true: examples are correct files, shown output is real output, generated
pages are up to date, and links lead somewhere.

    <!-- file: PATH -->   the block below is the content of this file (PATH from docs/)
    <!-- tested -->       the commands of the console block below give the shown output, `…`
                          standing for anything in a line; the blocks of a page run in order in
                          a copy of docs/tutorial
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.sluice import BUILD, PROGRAM, ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("plugins/*/README.md")])
BLOCK = re.compile(r"^(?:<!-- (?P<mark>[^\n]*?) -->\n)?```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$",
                   re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def blocks(page):
    return [(match["mark"] or "", match["kind"], match["text"])
            for match in BLOCK.finditer(page.read_text())]


def name_of(page):
    return str(page.relative_to(ROOT))


def pipelines():
    """(page, text) of each whole pipeline file that a page shows as correct."""
    for page in PAGES:
        for _, kind, text in blocks(page):
            if kind == "yaml" and text.startswith("pipeline:"):
                yield page, text


@pytest.mark.parametrize("page, text", list(pipelines()),
                         ids=lambda value: name_of(value) if isinstance(value, Path) else "")
def test_each_pipeline_that_is_shown_passes_check(sluice, page, text):
    sluice.write("shown.yaml", text)
    outcome = sluice.run("check", "--plugin-path", BUILD / "template", "shown.yaml")
    assert outcome.code == 0, outcome


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_shown_files_are_what_they_are_said_to_be(page):
    for mark, _, text in blocks(page):
        if mark.startswith("file: "):
            assert (DOCS / mark.removeprefix("file: ")).read_text() == text, mark


def sessions(text):
    """(command, expected output) of a console block."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


def pages_with_commands():
    return [page for page in PAGES if any(mark == "tested" for mark, _, _ in blocks(page))]


def environment():
    """A user's: nothing that the flow would take for servers; sluice is found."""
    clean = {key: value for key, value in os.environ.items()
             if not key.startswith(("AWS_", "KAFKA_", "SLUICE_", "ES_", "RAW_", "PROCESSED_"))}
    return clean | {"PATH": f"{BUILD}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}


def pattern_of(expected):
    """`…` is the rest of a line or a part of it; alone in a line it is any lines."""
    wild = {"…\n": r"(?:[^\n]*\n)*", "…": r"[^\n]*"}
    return "".join(wild.get(part, re.escape(part))
                   for part in re.split(r"(^…\n|…)", expected, flags=re.M))


@pytest.mark.parametrize("page", pages_with_commands(), ids=name_of)
def test_commands_give_the_output_that_is_shown(sluice, page):
    shutil.copytree(DOCS / "tutorial", sluice.folder, dirs_exist_ok=True)
    (sluice.folder / "pipelines").symlink_to(ROOT / "pipelines")
    (sluice.folder / "template").symlink_to(BUILD / "template")
    for mark, kind, text in blocks(page):
        if mark != "tested":
            continue
        for command, expected in sessions(text):
            result = subprocess.run(["bash", "-c", command], cwd=sluice.folder, timeout=120,
                                    env=environment(), stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT)
            printed = result.stdout.decode()
            assert re.fullmatch(pattern_of(expected), printed), (
                f"$ {command}\n--- shown\n{expected}--- printed\n{printed}")


def test_the_reference_is_up_to_date():
    result = subprocess.run([sys.executable, ROOT / "scripts" / "generate-reference", "--check"],
                            env=os.environ | {"SLUICE_BUILD": str(BUILD)}, capture_output=True,
                            text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_option_has_text_and_example():
    """For machines the JSON Schema says it, for people the pages."""
    schema = json.loads(subprocess.run([PROGRAM, "plugins", "--json-schema"], check=True,
                                       capture_output=True).stdout)
    tables = {name: table for name, table in schema["$defs"].items()
              if "properties" in table and name != "flow"}
    tables["settings"] = schema["properties"]["settings"]
    assert len(tables) > 10
    lacking = [f"{name}.{option}" for name, table in tables.items()
               for option, value in table["properties"].items()
               if not value.get("description") or not value.get("examples")]
    assert lacking == []


def anchors(page):
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    broken = []
    for target in LINK.findall(re.sub(r"`[^`\n]*`", "", text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.fixture(scope="module")
def tests():
    """Names of all tests there are, with and without the brackets of their parameters."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "--full", "--faultpoints",
         "-p", "no:cacheprovider", ROOT / "tests"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr
    names = {line.rpartition("/")[2] for line in result.stdout.splitlines() if "::" in line}
    return names | {name.partition("[")[0] for name in names}


NAMED_TEST = re.compile(r"test_\w+\.py::test_\w+(?:\[[^\]`]+\])?")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_named_tests_exist(page, tests):
    """`test_….py::test_…` in a page is a test of the tree, `…[…]` one with these parameters."""
    assert [name for name in NAMED_TEST.findall(page.read_text()) if name not in tests] == []


def test_each_row_of_the_delivery_tables_names_the_test_that_shows_it():
    text = (DOCS / "delivery.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) > 50
    assert [row for row in rows if not row.endswith("| Shown by |")
            and not NAMED_TEST.search(row.split(" | ")[-1])] == []


@pytest.mark.full
def test_the_demo_prints_what_the_readme_shows(sluice):
    (shown,) = [text for mark, _, text in blocks(ROOT / "README.md") if mark == "demo"]
    outcome = sluice.run_ok("run", "--once", ROOT / "pipelines/simulate.yaml",
                            ROOT / "pipelines/dataco.yaml", env={"EVENTS": 1000000}, timeout=300)
    index = sluice.folder / "data/index/dataco-pages.ndjson"
    pages = index.read_text().count("\n")
    top = subprocess.run([ROOT / "scripts/top-pages", index], check=True, capture_output=True,
                         text=True).stdout
    printed = (f"{outcome.stderr[outcome.stderr.index('FLOW '):]}\n"
               f"The ten of {pages} pages and countries with the most clicks:\n\n{top}")
    assert re.fullmatch(pattern_of(shown), printed), printed


ROOMS = sorted(path.parent for path in ROOT.glob("core/*/CMakeLists.txt"))


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_the_page_of_a_room_names_its_source_files(room):
    page = (DOCS / "internals" / f"{room.name}.md").read_text()
    named = re.findall(r"^    (\S+\.c) ", page, re.M)
    present = [str(path.relative_to(room)) for path in room.rglob("*.c")
               if "tests" not in path.parts]
    assert sorted(named) == sorted(present)
    assert page.count("\n") <= 60
