# SPDX-License-Identifier: Apache-2.0
"""scripts/check-structure finds what it is there to find, and the tree itself is in order."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
BODY = "    call();\n" * 70


def check(root, build="/nowhere"):
    return subprocess.run([root / "scripts" / "check-structure"], capture_output=True, text=True,
                          env=os.environ | {"SLUICE_BUILD": str(build)})


@pytest.fixture
def tree(tmp_path):
    """A small tree in order: two rooms of the core and a plugin."""
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "check-structure", tmp_path / "scripts")
    write("core/include/sluice/plugin.h", SPDX + "struct p {\n    int (*call)(int a, int b, int c, "
          "int d, int e, int f, long g);\n};\n")
    write("core/base/CMakeLists.txt", "sluice_room(base SOURCES base.c)")
    write("core/base/base.h", SPDX)
    write("core/loader/CMakeLists.txt", "sluice_room(loader SOURCES a.c MAY_USE base)")
    write("core/loader/loader.h", SPDX)
    write("core/loader/private.h", SPDX)
    write("plugins/mine/plugin.c", SPDX + "#include <sluice/plugin.h>\n")
    write.root = tmp_path
    return write


def test_a_tree_in_order_passes(tree):
    result = check(tree.root)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name, text, complaint", [
    ("core/base/long.c", SPDX + "\n" * 500, "501 lines, more than 500"),
    ("core/base/long.h", SPDX + "\n" * 150, "151 lines, more than 150"),
    ("core/base/f.c", SPDX + "static int f(int a)\n{\n" + BODY + "}\n", "f has 73 lines"),
    ("core/base/f.c", SPDX + "int f(int a, int b, int c, int d, int e, int f, int g)\n{\n}\n",
     "f takes 7 parameters"),
    ("core/base/b.c", SPDX + '#include "loader/loader.h"\n', "room base may not use room loader"),
    ("core/base/p.c", SPDX + '#include <curl/curl.h>\n', "links no client library"),
    ("core/base/p.c", SPDX + '#include <ltdl.h>\n', "<ltdl.h> belongs to"),
    ("plugins/mine/p.c", SPDX + '#include "base/base.h"\n', "includes nothing of core/"),
    ("plugins/mine/p.c", SPDX + "void f(void)\n{\n    sleep(1);\n}\n", "does not call sleep"),
    ("core/base/s.c", SPDX + "void f(void)\n{\n    strcpy(a, b);\n}\n", "strcpy is not allowed"),
    ("core/base/s.c", SPDX + "int f(void)\n{\n    return strtol(a, 0, 10);\n}\n", "errno"),
    ("core/base/t.c", SPDX + "typedef struct x {\n    int y;\n} x;\n", "no typedef"),
    ("core/base/t.c", SPDX + "/* " + "TO" + "DO: later */\n", "finish it"),
    ("core/base/t.c", "int x;\n", "not the SPDX line"),
])
def test_each_rule_is_held(tree, name, text, complaint):
    tree(name, text)
    result = check(tree.root)
    assert result.returncode == 1
    assert complaint in result.stdout


@pytest.mark.parametrize("text", [
    "/* strcpy(a, b) */\nconst char *x = \"strcpy(\";\n",
    "typedef struct x *(*callback)(int a);\n",
    "int f(int a, int b, int c, int d, int e, int f, struct sluice_error *error)\n{\n}\n",
    "int f(int a, int b, int c, int d, int e, int f, long seventh_of_the_contract)\n{\n}\n",
    "long f(void)\n{\n    errno = 0;\n    return strtol(a, &end, 10);\n}\n",
    "const char *name(int x)\n{\n    switch (x) {\n" + "    case A:\n        return y;\n" * 45 +
    "    }\n}\n",
], ids=["comments", "callback", "error", "contract", "errno", "table"])
def test_what_only_looks_wrong_is_left_alone(tree, text):
    tree("plugins/mine/fine.c", SPDX + text)
    result = check(tree.root)
    assert result.returncode == 0, result.stdout


def test_a_private_header_of_another_room_is_not_included(tree):
    tree("core/cli/CMakeLists.txt", "sluice_room(cli SOURCES a.c MAY_USE loader)")
    tree("core/cli/a.c", SPDX + '#include "loader/private.h"\n')
    assert "private to room loader: include loader/loader.h" in check(tree.root).stdout


def test_this_tree_is_in_order():
    from harness.sluice import BUILD
    result = check(ROOT, BUILD)
    assert result.returncode == 0, result.stdout
