# SPDX-License-Identifier: Apache-2.0
"""A contest: contenders that do the same work in turns, each answer held against ours first."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb

from measure import Cost, Failed, least

OURS = "sluice"


@dataclass
class Contender:
    """run() does the work once and gives its Cost; answer() reads what it left behind. `missing`
    says why it cannot be had here. One that takes long may get a part of the events: costs are
    compared an event, and its answer with ours from the same part."""

    name: str
    run: Callable[[], Cost]
    answer: Callable[[], object] | None = None
    missing: str = ""
    events: int | None = None
    rounds: int | None = None


@dataclass
class Target:
    """How many times of ours the rival's cost has to be: {"wall": 4, "cpu": 4, "peak": 3}. Wall and
    CPU are compared an event, the peak as it is."""

    rival: str
    ratios: dict
    text: str


@dataclass
class Contest:
    title: str
    events: int
    contenders: list
    targets: list = field(default_factory=list)
    equal: Callable[[object, object], str] | None = None  # "" or what differs
    note: str = ""


@dataclass
class Verdict:
    """One line of the list of targets; met is None where it could not be measured."""

    work: str
    target: str
    measured: str
    met: bool | None

    def word(self):
        return {True: "met", False: "**not met**", None: "not measured"}[self.met]


@dataclass
class Entry:
    """What came of a contender: its best costs, or why there are none."""

    contender: Contender
    costs: list = field(default_factory=list)
    events: int = 0
    failure: str = ""
    load: float = 0.0

    @property
    def cost(self):
        return least(self.costs) if self.costs else None


def ratios(ours, theirs):
    """Theirs / ours of each measure, wall and CPU an event."""
    scale = ours.events / theirs.events
    return {"wall": theirs.cost.wall / ours.cost.wall * scale,
            "cpu": theirs.cost.cpu / ours.cost.cpu * scale,
            "peak": theirs.cost.peak / ours.cost.peak}


def say(text):
    print(text, file=sys.stderr, flush=True)


def hold(contest, rounds, only=()):
    """Plays the rounds; gives {name: Entry}. A contender that fails or errs is out. Ours always
    plays: the others' answers are compared with it."""
    entries = {one.name: Entry(one, events=one.events or contest.events, failure=one.missing)
               for one in contest.contenders
               if not only or one.name.lower() in only or one.name.startswith(OURS)}
    say(f"{contest.title}: {contest.events:,} events")
    for number in range(rounds):
        answers = {}
        for entry in entries.values():
            if not entry.failure and number < (entry.contender.rounds or rounds):
                _play(contest, entry, answers, number)
    return entries


def _play(contest, entry, answers, number):
    """One turn: the work, the answer, the cost."""
    entry.load = max(entry.load, os.getloadavg()[0])
    try:
        cost = entry.contender.run()
    except Failed as failed:
        entry.failure = f"failed: {str(failed).strip()[-600:]}"
        say(f"  {entry.contender.name}: {entry.failure}")
        return
    try:
        different = _compare(contest, entry, answers)
    except (OSError, StopIteration, duckdb.Error) as unreadable:
        different = f"cannot be read: {unreadable}"
    if different:
        entry.failure, entry.costs = f"wrong answer: {different}", []
        say(f"  {entry.contender.name}: {entry.failure}")
        return
    entry.costs.append(cost)
    say(f"  round {number + 1}  {entry.contender.name:28}{cost}")


def _compare(contest, entry, answers):
    """Ours of the same number of events is the first answer that is read in a round."""
    if contest.equal is None or entry.contender.answer is None:
        return ""
    answer = entry.contender.answer()
    if entry.contender.name.startswith(OURS) and entry.events not in answers:
        answers[entry.events] = answer
        return ""
    if entry.events not in answers:
        return "there is no answer of ours to compare with"
    return contest.equal(answers[entry.events], answer)


def judge(contest, entries):
    """A Verdict for each target of the contest."""
    return [_judge_one(contest, entries, target) for target in contest.targets]


def _judge_one(contest, entries, target):
    ours, theirs = entries.get(OURS), entries.get(target.rival)
    for name, entry in ((OURS, ours), (target.rival, theirs)):
        if entry is None or entry.cost is None:
            why = entry.failure.splitlines()[0] if entry and entry.failure else "not asked for"
            met = False if name == OURS and entry and entry.failure else None
            return Verdict(contest.title, target.text, f"{name}: {why}", met)
    found = ratios(ours, theirs)
    measured = ", ".join(f"{name} {found[name]:.2f}" for name in target.ratios)
    met = all(found[name] >= least_ratio for name, least_ratio in target.ratios.items())
    return Verdict(contest.title, target.text, measured, met)
