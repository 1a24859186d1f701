# SPDX-License-Identifier: Apache-2.0
"""What the author of a plugin has: an installed sluice, a C file, cc and pkg-config."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.sluice import BUILD

PIPELINE = """
pipeline: author
flows:
  words:
    every: 1h
    steps:
      - source-template: {rows: 10, null_every: 3}
      - transform-template: {column: word, most_bytes: %s}
      - sink-template: {folder: out}
"""


class Installed:
    """A sluice in a prefix of its own, moved after the installation to prove that it can be."""

    def __init__(self, folder):
        first, self.prefix = folder / "first", folder / "moved"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", first], check=True,
                       capture_output=True)
        first.rename(self.prefix)
        self.program = self.prefix / "bin" / "sluice"
        (package,) = self.prefix.glob("share/**/sluice.pc")
        self.environment = os.environ | {"PKG_CONFIG_PATH": str(package.parent)}

    def pkg_config(self, *arguments):
        result = subprocess.run(["pkg-config", *arguments, "sluice"], env=self.environment,
                                check=True, capture_output=True, text=True)
        return result.stdout.strip()

    def build(self, kind, folder):
        """One C file in an empty folder, and the one command of the manual."""
        source = folder / "mine.c"
        shutil.copy(Path(self.pkg_config("--variable=templatedir")) / f"{kind}.c", source)
        plugin = folder / f"sluice-{kind}-template.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-z,now", "-Wall", "-Wextra", "-Werror",
                        "-o", plugin, source, *self.pkg_config("--cflags").split()],
                       cwd=folder, check=True)
        source.unlink()
        return plugin

    def run(self, *arguments, folder):
        return subprocess.run([self.program, *arguments], cwd=folder, capture_output=True,
                              text=True, timeout=240)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def built(installed, tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    for kind in ("source", "transform", "sink"):
        installed.build(kind, plugins)
    (tmp_path / "out").mkdir()
    return plugins


def written(folder):
    (file,) = (folder / "out").iterdir()
    return file.read_text()


def test_one_c_file_built_against_the_installed_headers_runs_in_a_pipeline(
        installed, built, tmp_path):
    (tmp_path / "author.yaml").write_text(PIPELINE % "64KiB")
    result = installed.run("run", "--once", "--plugin-path", built, "author.yaml", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert written(tmp_path) == "".join(
        f"{n}\t\t\n" if n % 3 == 0 else f"{n}\tword\t4\n" for n in range(10))


def test_what_the_plugin_rejects_is_in_the_dead_letter_with_its_reason(installed, built, tmp_path):
    (tmp_path / "author.yaml").write_text(PIPELINE % "2")
    result = installed.run("run", "--once", "--plugin-path", built, "author.yaml", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert written(tmp_path) == "".join(f"{n}\t\t\n" for n in (0, 3, 6, 9))
    assert "6 rejected rows" in result.stderr
    assert "6 record_too_long" in result.stderr


def test_plugins_are_found_in_the_folder_that_pkg_config_names(installed, built, tmp_path):
    folder = Path(installed.pkg_config("--variable=plugindir"))
    shutil.copy(built / "sluice-sink-template.so", folder)
    result = installed.run("plugins", "sink-template", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "folder" in result.stdout


def test_a_plugin_exports_nothing_but_its_entry_point(built):
    for plugin in built.iterdir():
        names = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", plugin],
                               check=True, capture_output=True, text=True).stdout
        assert [line.split()[0] for line in names.splitlines()] == ["sluice_plugin_describe"]


def public_headers():
    folder = Path(__file__).resolve().parents[2] / "core" / "include" / "sluice"
    return sorted(header.name for header in folder.glob("*.h"))


@pytest.mark.parametrize("compiler", [
    ["cc", "-std=c17", "-xc", "-Wshadow"],
    ["c++", "-std=c++17", "-xc++"],
], ids=["c17", "c++17"])
@pytest.mark.parametrize("header", public_headers())
def test_each_installed_header_compiles_alone(installed, tmp_path, header, compiler):
    source = tmp_path / "alone"
    source.write_text(f"#include <sluice/{header}>\n#include <sluice/{header}>\n")
    result = subprocess.run(
        [*compiler, "-fsyntax-only", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror",
         *installed.pkg_config("--cflags").split(), source],
        capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
