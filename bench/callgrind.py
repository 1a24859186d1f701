# SPDX-License-Identifier: Apache-2.0
"""Instructions, counted by callgrind: what no other work on the machine changes."""

import re
import shutil
import subprocess
from collections import Counter

from measure import PROGRAM, Failed

OUT = "callgrind.out"
FILE_LINE = re.compile(r"(c?)f[ile]=(\(\d+\)) ?(.*)")  # a name is given once, then its number


def missing():
    return "" if shutil.which("valgrind") else "valgrind absent: scripts/setup bench installs it"


def count(folder, pipeline, program=PROGRAM):
    """Instructions of one run of a pipeline; callgrind's file is left in the folder."""
    shutil.rmtree(folder / "state", ignore_errors=True)
    (folder / "counted.yaml").write_text(pipeline)
    ran = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={OUT}", program,
                          "run", "--once", "counted.yaml"], cwd=folder, capture_output=True, text=True)
    found = re.search(r"refs:\s+([\d,]+)", ran.stderr)
    if ran.returncode != 0 or not found:
        raise Failed(f"callgrind: {ran.stderr[-2000:]}")
    return int(found[1].replace(",", ""))


def self_costs(path):
    """{source file: instructions spent in its lines}, inlined code under the file that it is from.
    Without debug information all is under "???"."""
    names, current, is_call, costs = {}, "", False, Counter()
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if found := FILE_LINE.match(line):
                called, number, name = found.groups()
                names.setdefault(number, name)
                current = current if called else names[number]
            elif line.startswith("calls="):
                is_call = True  # the next line has the cost of what is called, not its own
            elif line[:1] in "+-*0123456789":
                if not is_call:
                    costs[current] += int(line.split()[1])
                is_call = False
    return costs
