# SPDX-License-Identifier: Apache-2.0
"""Where the rivals are, and why one cannot be had. `scripts/setup bench` puts them there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from measure import PROGRAM, ROOT

CACHE = Path(os.environ.get("SLUICE_BENCH_CACHE")
             or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sluice-bench")
RIVALS = ROOT / "bench" / "rivals"
BARE = PROGRAM.parent / "bench" / "bare"
DEBIAN = CACHE / "debian"
LIBRARIES = DEBIAN / "usr" / "lib"
SETUP = "scripts/setup bench installs it"


def python():
    """The interpreter with the rivals of PyPI; without a set-up the one that runs this."""
    own = CACHE / "venv" / "bin" / "python"
    return own if own.exists() else Path(sys.executable)


def harness_python():
    """The interpreter of the tests' harness, which runs this: it has the search client."""
    return Path(sys.executable)


def python_version(package, interpreter=None):
    """The version of a package of that interpreter, or ""."""
    asked = f"import importlib.metadata as m; print(m.version('{package}'))"
    found = subprocess.run([interpreter or python(), "-c", asked], capture_output=True, text=True)
    return found.stdout.strip()


def no_package(package):
    return "" if python_version(package) else f"Python package {package} absent: {SETUP}"


def flink_python():
    return CACHE / "flink" / "bin" / "python"


def no_flink():
    return no_java() if flink_python().exists() else f"Python package apache-flink absent: {SETUP}"


def no_java():
    return "" if shutil.which("java") else f"no Java runtime: {SETUP}"


def debian_program(name):
    """An unpacked program of Debian; it is not installed, so that no system logger is replaced."""
    for folder in ("sbin", "bin"):
        path = DEBIAN / "usr" / folder / name
        if path.exists():
            return path
    return None


def no_debian(name):
    return "" if debian_program(name) else f"Debian package with {name} absent: {SETUP}"


def debian_environment():
    folders = [LIBRARIES / "x86_64-linux-gnu", DEBIAN / "lib" / "x86_64-linux-gnu",
               LIBRARIES / "aarch64-linux-gnu", DEBIAN / "lib" / "aarch64-linux-gnu",
               LIBRARIES / "syslog-ng"]
    return {"LD_LIBRARY_PATH": ":".join(str(folder) for folder in folders if folder.exists())}


def rsyslog_modules():
    return next(LIBRARIES.glob("*/rsyslog"))


def syslog_ng_modules():
    return next((LIBRARIES / "syslog-ng").glob("[0-9]*"))


def benthos():
    return CACHE / "bin" / "benthos"


def no_benthos():
    return "" if benthos().exists() else f"needs Go 1.26.4 or later to be built: {SETUP} where Go is"


def bare(name):
    return BARE / name


def no_bare(name):
    if bare(name).exists():
        return ""
    return f"not built: cmake --build {PROGRAM.parent} --target bench"


def versions():
    """{rival: version} of all that is here."""
    found = {"sluice": _version_in([PROGRAM, "version"])}
    for name, package in (("DuckDB", "duckdb"), ("Polars", "polars"), ("chDB", "chdb"),
                          ("PySpark", "pyspark")):
        found[name] = python_version(package)
    found["opensearch-py"] = python_version("opensearch-py", harness_python())
    if not no_flink():
        found["PyFlink"] = python_version("apache-flink", flink_python())
    for name, flag in (("rsyslogd", "-v"), ("syslog-ng", "-V"), ("kcat", "-V")):
        if not no_debian(name):
            found[name] = _version_in([debian_program(name), flag], debian_environment())
    if not no_benthos():
        found["Benthos"] = _version_in([benthos(), "--version"])
    found["Java"] = "" if no_java() else _version_in(["java", "-version"])
    return {name: version for name, version in found.items() if version}


def _version_in(command, env=None):
    """The first number with dots in what the command says."""
    said = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          env=os.environ | (env or {}))
    number = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
    return number[0] if number else ""
