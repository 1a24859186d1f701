"""The oracle of the DataCo numbers: which events count, and what DuckDB makes of them.

An event is accepted when the value is one valid JSON object whose six fields are present once and
are strings, with a valid ISO 8601 timestamp. Nothing of sluice is used here."""

import json
from datetime import datetime, timezone

import duckdb
import pyarrow

FIELDS = ("user_id", "timestamp", "url", "country", "city", "user_agent")


def _refuse(name):
    raise ValueError(f"{name} is not JSON")


def _pairs(pairs):
    names = [name for name, _ in pairs]
    for field in FIELDS:
        if names.count(field) > 1:
            raise ValueError(f"{field} occurs twice")
    return dict(pairs)


def accept(value):
    """The event as a dictionary of six strings, or None."""
    try:
        event = json.loads(value.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_pairs)
        if not isinstance(event, dict):
            return None
        if not all(isinstance(event.get(field), str) for field in FIELDS):
            return None
        microseconds(event["timestamp"])
    except (ValueError, RecursionError):
        return None
    return {field: event[field] for field in FIELDS}


def microseconds(text):
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    delta = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (delta.days * 86400 + delta.seconds) * 1000000 + delta.microseconds


ANSWER = """
with ordered as (
    select *, lead(time_us) over (partition by user_id order by time_us, url, country) as next_us
    from events)
select url, country, count(*)::bigint as clicks, count(distinct user_id)::bigint as unique_users,
       avg(case when next_us - time_us <= 1800000000 then (next_us - time_us) / 1e6 end) as average
from ordered group by url, country
"""


def expected_pages(events):
    """{(url, country): (clicks, unique users, average seconds or None)} by DuckDB."""
    table = pyarrow.table({
        "user_id": [event["user_id"] for event in events],
        "time_us": pyarrow.array([microseconds(event["timestamp"]) for event in events],
                                 pyarrow.int64()),
        "url": [event["url"] for event in events],
        "country": [event["country"] for event in events]})
    connection = duckdb.connect()
    connection.register("events", table)
    return {(url, country): (clicks, users, average)
            for url, country, clicks, users, average in connection.execute(ANSWER).fetchall()}


def normal(event):
    """An event in a form that is equal for equal instants, for multiset comparison."""
    return (event["user_id"], microseconds(event["timestamp"]), event["url"], event["country"],
            event["city"], event["user_agent"])


def assert_pages_equal(actual, expected):
    """Every row equal; averages within the last bits of a double."""
    assert actual.keys() == expected.keys(), (
        f"missing {list(expected.keys() - actual.keys())[:3]}, "
        f"invented {list(actual.keys() - expected.keys())[:3]}")
    for page, (clicks, users, average) in expected.items():
        got = actual[page]
        assert got[:2] == (clicks, users), (page, got, (clicks, users))
        if average is None or got[2] is None:
            assert got[2] is average, (page, got, average)
        else:
            assert abs(got[2] - average) <= 1e-9 * max(1.0, abs(average)), (page, got, average)
