# SPDX-License-Identifier: Apache-2.0
"""What bench/run tells: a table a contest, the list of targets, and the machine that it was on."""

import os
import platform
import subprocess
import time

import places
from contest import OURS, judge, ratios
from measure import PROGRAM, ROOT, machine

INTRODUCTION = """# Results of bench/run

Written by `{command}`; [README.md](README.md) says how to repeat and read it. Costs are the best
round of each measure and the highest peak; ratios are the contender's cost / ours, an event: above
1, ours needs less. Every answer was compared with ours before its cost counted.
"""


def said(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          cwd=ROOT).stdout.strip()


def medium(folder):
    """The kind of file system that the data lies on."""
    return said("stat", "-f", "-c", "%T", folder)


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def system():
    names = dict(line.rstrip().split("=", 1) for line in open("/etc/os-release") if "=" in line)
    return f"{names.get('PRETTY_NAME', 'Linux').strip(chr(34))}, kernel {platform.release()}"


def commit():
    text = said("git", "rev-parse", "--short", "HEAD") or "unknown"
    changed = said("git", "status", "--porcelain", "--untracked-files=no", "core", "plugins")
    return f"{text}{' with changes not committed' if changed else ''}"


def build_type():
    cache = PROGRAM.parent / "CMakeCache.txt"
    lines = cache.read_text().splitlines() if cache.exists() else []
    return next((line.split("=", 1)[1] for line in lines
                 if line.startswith("CMAKE_BUILD_TYPE:")), "unknown")


def versions():
    return ", ".join(f"{name} {version}" for name, version in places.versions().items())


class Report:
    def __init__(self):
        self.sections = []
        self.verdicts = []
        self.loads = []

    def begin(self, folder):
        self.started = time.time()
        self.machine = machine()
        self.medium = medium(folder)

    def begin_work(self, name):
        self.loads.append((name, os.getloadavg()[0]))

    def add_contest(self, contest, entries):
        self.sections.append(contest_section(contest, entries))
        self.verdicts += judge(contest, entries)

    def add_section(self, title, text):
        self.sections.append(f"### {title}\n\n{text}\n")

    def add_verdict(self, verdict):
        self.verdicts.append(verdict)

    def text(self, arguments):
        return "\n".join([INTRODUCTION.format(command=command(arguments)),
                          self._machine(arguments), self._targets(), "## Measured\n",
                          *self.sections])

    def _machine(self, arguments):
        spent = (time.time() - self.started) / 60
        loads = ", ".join(f"{name} {load:.1f}" for name, load in self.loads)
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.started))
        return (f"- when: {when}, {spent:.0f} minutes, {arguments.rounds} rounds\n"
                f"- commit: {commit()}, build type {build_type()}\n"
                f"- machine: {self.machine}; {memory_gib():.0f} GiB of memory; {system()}\n"
                f"- data on: {self.medium}\n"
                f"- load average before each work (other work on the machine makes wall times "
                f"worthless and CPU times worse): {loads}\n"
                f"- versions: {versions()}\n")

    def _targets(self):
        if not self.verdicts:
            return ""
        lines = ["## Targets\n", "| work | target | measured | verdict |",
                 "| --- | --- | --- | --- |"]
        lines += [f"| {one.work} | {one.target} | {one.measured} | {one.word()} |"
                  for one in self.verdicts]
        return "\n".join(lines) + "\n"


def command(arguments):
    words = ["bench/run"]
    for name in ("work", "case", "only"):
        values = getattr(arguments, name)
        if values:
            words.append(f"--{name} {','.join(values)}")
    if arguments.size != "usual":
        words.append(f"--{arguments.size}")
    if arguments.scale != 1:
        words.append(f"--scale {arguments.scale:g}")
    if arguments.events:
        words.append(f"--events {arguments.events}")
    return " ".join([*words, f"--rounds {arguments.rounds}"])


def contest_section(contest, entries):
    ours = entries.get(OURS)
    lines = [f"### {contest.title}\n", f"{contest.events:,} events. {contest.note}\n",
             "| | wall s | CPU s | peak MiB | events / s | events / CPU s | "
             "ratio wall | CPU | peak | load |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    notes = []
    for name, entry in entries.items():
        if entry.cost is None:
            lines.append(f"| {name} | – | – | – | – | – | – | – | – | – |")
            notes.append(f"- {name}: {first_lines(entry.failure)}")
            continue
        lines.append(row(name, entry, ours))
        if entry.events != contest.events:
            notes.append(f"- {name}: {entry.events:,} events")
    return "\n".join(lines) + "\n" + ("\n" + "\n".join(notes) + "\n" if notes else "")


def row(name, entry, ours):
    cost = entry.cost
    found = ratios(ours, entry) if ours and ours.cost else None
    shown = [f"{found[key]:.2f}" for key in ("wall", "cpu", "peak")] if found else ["–"] * 3
    return (f"| {name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.peak:.0f} "
            f"| {rate(entry.events / cost.wall)} | {rate(entry.events / max(cost.cpu, 1e-3))} "
            f"| {' | '.join(shown)} | {entry.load:.1f} |")


def rate(events):
    return f"{events / 1e6:.2f} M" if events >= 1e6 else f"{events / 1e3:.0f} k"


def first_lines(text, size=300):
    return " ".join(text.split())[:size]
