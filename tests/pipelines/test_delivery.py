"""The table of docs/delivery.md, row by row: kill -9 at random and at chosen instants.

Each test is one promise, for each pair of source and sink that it is given for. The answer comes
from another client; the seed of the instants is the test's name."""

import subprocess
import threading
from collections import Counter

import pytest

from delivery_story import (
    INSTANTS, LIMIT, Case, FileSink, FileSource, GeneratedSource, IndexSink, IndexSinkWithoutId,
    KafkaSink, KafkaSource, OutputSink, S3Sink, S3Source, StandardInput,
    Several, when_a_checkpoint_is_committed)

from harness.sluice import eventually

KILLS = 4

SOURCES = {"kafka": KafkaSource, "file": FileSource, "generate": GeneratedSource}
EXACT_SINKS = {"s3": S3Sink, "file": FileSink, "es": IndexSink}
REPEATING_SINKS = {"es_without_id": IndexSinkWithoutId, "output": OutputSink, "kafka": KafkaSink}


def by_name(**things):
    """For parametrize: the things, with their names in the name of the test."""
    return {"argvalues": things.values(), "ids": things.keys()}


@pytest.fixture
def make(sluice, request):
    def make_case(source, sink, **keywords):
        return Case(sluice, request, source, sink, **keywords)
    return make_case


# ---- continuous flows ----

def lives(case):
    """Kills the flow again and again, each time after new events; stops after each kill for more
    questions. A life that ended by itself was too short: the next one has more to do."""
    kills, chunk = 0, case.source.chunk
    while kills < KILLS:
        case.source.feed(chunk)
        if case.is_killed_at(case.chance.choice(INSTANTS)):
            kills += 1
            yield kills
        else:
            chunk *= 2


@pytest.mark.parametrize("sink", **by_name(**EXACT_SINKS))
@pytest.mark.parametrize("source", **by_name(**SOURCES))
def test_a_continuous_flow_is_exactly_once(make, source, sink):
    case = make(source, sink)
    for _ in lives(case):
        pass
    case.run_to_the_end()
    assert case.found() == Counter(case.source.accepted)
    assert case.dead_letters() == Counter(case.source.rejected)


def test_each_of_several_sinks_is_exactly_once(make):
    case = make(FileSource, Several)
    for _ in lives(case):
        pass
    case.run_to_the_end()
    for sink in case.sink.sinks:
        assert Counter(map(case.source.key, sink.rows())) == Counter(case.source.accepted)


@pytest.mark.parametrize("sink", **by_name(**REPEATING_SINKS))
@pytest.mark.parametrize("source", **by_name(**SOURCES))
def test_a_continuous_flow_is_at_least_once(make, source, sink):
    """Nothing is lost or made up, and nothing comes again that a decision covered; what was
    rejected is in the dead letter exactly once."""
    case, crashes = make(source, sink), []
    for _ in lives(case):
        if source is KafkaSource:
            crashes.append((case.source.decided(), case.found()))
    case.run_to_the_end()
    found = case.found()
    assert found.keys() == set(case.source.accepted)
    assert max(found.values()) <= case.lives
    assert case.dead_letters() == Counter(case.source.rejected)
    for offsets, found_then in crashes:
        for row in case.source.accepted_below(offsets):
            assert found[row] == found_then[row] >= 1


@pytest.mark.parametrize("letters", **by_name(s3=S3Sink, es=IndexSink, file=FileSink))
def test_a_declared_dead_letter_is_as_exact_as_its_sink(make, letters):
    case = make(KafkaSource, S3Sink, dead_letter=letters)
    for _ in lives(case):
        pass
    case.run_to_the_end()
    assert case.found() == Counter(case.source.accepted)
    assert case.dead_letters() == Counter(case.source.rejected)


@pytest.mark.parametrize("letters", **by_name(**REPEATING_SINKS))
def test_a_declared_dead_letter_can_repeat_where_its_sink_does(make, letters):
    case = make(KafkaSource, S3Sink, dead_letter=letters)
    for _ in lives(case):
        pass
    case.run_to_the_end()
    assert case.found() == Counter(case.source.accepted)
    assert case.dead_letters().keys() == set(case.source.rejected)
    assert max(case.dead_letters().values()) <= case.lives


def life_of_a_reader(case):
    """Pours into standard input until a crash; gives the accepted rows that were poured."""
    already = len(case.source.accepted)
    case.start(stdin=subprocess.PIPE)
    pourer = threading.Thread(target=case.source.pour, args=[case.process.stdin])
    pourer.start()
    for _ in range(2):  # the first can belong to what the life before left
        when_a_checkpoint_is_committed(case, case.chance)
    case.sluice.kill(case.process)
    pourer.join()
    return case.source.accepted[already:]


@pytest.mark.parametrize("sink", **by_name(**EXACT_SINKS, kafka=KafkaSink, output=OutputSink))
def test_standard_input_loses_only_what_was_on_its_way(make, sink):
    """Nothing comes twice; what is lost are the last rows before a crash."""
    case = make(StandardInput, sink)
    poured = [life_of_a_reader(case) for _ in range(KILLS)]
    case.start("--once", stdin=subprocess.PIPE)
    already = len(case.source.accepted)
    case.process.communicate(b"\n".join(case.source.more(1000)), timeout=LIMIT)
    assert case.process.returncode == 0, case.sluice.log()
    found = case.found()
    assert set(found.values()) == {1}
    assert set(case.source.accepted[already:]) <= found.keys() <= set(case.source.accepted)
    for rows in poured:
        kept = [row for row in rows if row in found]
        assert kept
        if sink in (S3Sink, FileSink):
            assert kept == rows[:len(kept)]


# ---- flows with every or after ----

BATCH = "every: 50ms"
ROWS = 3_000


def attempts(case):
    """Kills runs again and again, each time with the ids of before in a new generation."""
    for kills in range(1, KILLS + 1):
        case.source.renew(ROWS)
        assert case.is_killed_at(case.chance.choice(INSTANTS))
        yield kills
    case.source.renew(ROWS)
    case.run_to_the_end()


def is_whole_generation(rows):
    """All accepted ids of one generation, once each."""
    return sorted(id for id, _, _ in rows.elements()) == \
        [id for id in range(ROWS) if id % 10 != 3] and len({row[1] for row in rows}) == 1


BATCH_SOURCES = {"s3": S3Source, "file": FileSource}


@pytest.mark.parametrize("sink", **by_name(s3=S3Sink, file=FileSink))
@pytest.mark.parametrize("source", **by_name(**BATCH_SOURCES))
def test_a_batch_flow_replaces_all_or_nothing(make, source, sink):
    """At every moment one run's output is there, whole."""
    case = make(source, sink, trigger=BATCH, options=", mode: replace")
    for _ in attempts(case):
        found = case.found()
        assert not found or is_whole_generation(found)
    assert case.found() == Counter(case.source.accepted)
    assert case.dead_letters() == Counter(case.source.rejected)


@pytest.mark.parametrize("sink", **by_name(s3=S3Sink, file=FileSink))
@pytest.mark.parametrize("source", **by_name(**BATCH_SOURCES))
def test_a_batch_flow_appends_whole_runs(make, source, sink):
    """What a killed run had written is not seen; each committed one adds all of its rows."""
    case = make(source, sink, trigger=BATCH, options=", mode: append")
    for _ in attempts(case):
        pass
    found = case.found()
    for generation in {row[1] for row in found}:
        times = {count for row, count in found.items() if row[1] == generation}
        rows = Counter({row: 1 for row in found if row[1] == generation})
        assert is_whole_generation(rows) and len(times) == 1
    assert set(case.source.accepted) <= found.keys()
    assert case.dead_letters() == Counter(case.source.rejected)


@pytest.mark.parametrize("source", **by_name(**BATCH_SOURCES))
def test_a_batch_flow_leaves_each_document_as_of_its_last_run(make, source):
    case = make(source, IndexSink, trigger=BATCH)
    for _ in attempts(case):
        pass
    assert case.found() == Counter(case.source.accepted)
    assert case.dead_letters() == Counter(case.source.rejected)


@pytest.mark.parametrize("sink", **by_name(**REPEATING_SINKS))
@pytest.mark.parametrize("source", **by_name(**BATCH_SOURCES))
def test_a_batch_flow_sends_each_row_of_a_run_at_least_once(make, source, sink):
    case = make(source, sink, trigger=BATCH)
    for _ in attempts(case):
        pass
    assert set(case.source.accepted) <= case.found().keys()
    assert case.dead_letters() == Counter(case.source.rejected)


CHAIN = """
pipeline: delivery
schemas: {event: %(schema)s}
flows:
  copy:
    every: 1h
    steps:
      %(source)s
      - %(middle)s
  index:
    after: copy
    steps:
      - source-s3: {url: "s3://%(bucket)s/out/", format: json, schema: event, read: all}
      - %(sink)s
"""


class Chain(Case):
    """Objects, copied by one flow, that another flow takes into an index."""

    def __init__(self, sluice, request):
        super().__init__(sluice, request, S3Source, IndexSink)
        self.middle = S3Sink(sluice, request)

    def pipeline(self):
        return CHAIN % {
            "schema": self.source.schema, "source": self.source.steps(),
            "middle": self.middle.step("", ", mode: replace"), "bucket": self.middle.bucket,
            "sink": self.sink.step(self.source.id)}


def test_a_crash_between_two_flows_is_made_good_by_the_next_start(sluice, request):
    """The first flow has committed and is not due again; the one after it still has to run."""
    case = Chain(sluice, request)
    case.source.renew(ROWS)
    case.start()
    case.wait_for_change("state/**/copy/*/committed")
    sluice.kill(case.process)
    copied = case.seen("state/**/copy/*/committed")
    case.start()
    eventually(lambda: case.found() == Counter(case.source.accepted), LIMIT, "the documents")
    assert sluice.stop(case.process) == 0, sluice.log()
    assert case.seen("state/**/copy/*/committed") == copied


@pytest.mark.parametrize("source, sink", [
    *[pytest.param(FileSource, sink, id=name) for name, sink in REPEATING_SINKS.items()],
    pytest.param(StandardInput, S3Sink, id="standard_input")])
def test_check_says_where_less_than_exactly_once_is_given(make, source, sink):
    case = make(source, sink)
    case.sluice.write("delivery.yaml", case.pipeline())
    said = case.sluice.run_ok("check", "delivery.yaml", env=case.environment)
    assert "at least once" in said.stdout or "is lost" in said.stdout + said.stderr, said
