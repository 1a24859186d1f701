# SPDX-License-Identifier: Apache-2.0
"""How answers are compared: by DuckDB, of which nothing is used to make ours."""

import duckdb

from simulated import FIELDS


def different_groups(ours, theirs):
    """"" where two CSV files of aggregated pages have the same groups with the same numbers, the
    average to the last bits of a double; else what differs."""
    columns = ("{url: 'VARCHAR', country: 'VARCHAR', clicks: 'BIGINT', unique_users: 'BIGINT', "
               "avg_seconds_on_page: 'DOUBLE'}")
    read = "read_csv('{}', header=true, columns={}, quote='\"', escape='\"', nullstr='')"
    groups, left, right, wrong = duckdb.execute(f"""
        select count(*), count(a.clicks), count(b.clicks), count(*) filter (
            a.clicks is distinct from b.clicks or a.unique_users is distinct from b.unique_users
            or (a.avg_seconds_on_page is null) <> (b.avg_seconds_on_page is null)
            or abs(a.avg_seconds_on_page - b.avg_seconds_on_page)
               > 1e-9 * greatest(1, abs(b.avg_seconds_on_page)))
        from {read.format(ours, columns)} a
        full join {read.format(theirs, columns)} b using (url, country)""").fetchone()
    return "" if wrong == 0 else f"{left} groups against {right}, {wrong} of {groups} differ"


def digest(files, format, fields=FIELDS, header=True):
    """Rows and a sum of hashes that does not depend on their order, nor on how a time is written."""
    columns = ", ".join(f"{name}: '{'TIMESTAMPTZ' if name == 'timestamp' else 'VARCHAR'}'"
                        for name in fields)
    options = ("format='newline_delimited'" if format == "json"
               else f"header={header}, delim=',', quote='\"', escape='\"'")
    reader = "read_json" if format == "json" else "read_csv"
    return duckdb.execute(f"""
        select count(*), sum(hash({', '.join(fields)})::hugeint)
        from {reader}({[str(file) for file in files]}, {options},
                      columns={{{columns}}})""").fetchone()


def different_digests(ours, theirs):
    return "" if ours == theirs else f"{theirs[0]} rows against {ours[0]}, or other values"


def rows_left(path, country):
    """The rows of a file of JSON lines that are not of this country."""
    return duckdb.execute(f"""
        select count(*) filter (country <> '{country}')
        from read_json('{path}', format='newline_delimited', columns={{country: 'VARCHAR'}})
        """).fetchone()[0]
