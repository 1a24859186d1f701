# SPDX-License-Identifier: Apache-2.0
"""The Python that the scripts of this folder run in: that of the tests, with DuckDB and the harness."""

import os
import sys

from measure import ROOT

PYTHON = ROOT / ".venv" / "bin" / "python"


def enter():
    """Starts the script again where another Python runs it."""
    if PYTHON.exists() and sys.prefix != str(PYTHON.parents[1]):
        os.execv(PYTHON, [PYTHON, *sys.argv])
    sys.path.append(str(ROOT / "tests"))
