# SPDX-License-Identifier: Apache-2.0
"""process.py json|csv GLOB OUT [MEMORY]: the aggregation of DataCo by DuckDB, all cores. Order of the
rows is given up, which is faster; the compression is found by the files' endings."""

import sys

import duckdb

COLUMNS = ("{user_id: 'VARCHAR', timestamp: 'TIMESTAMP', url: 'VARCHAR', country: 'VARCHAR', "
           "city: 'VARCHAR', user_agent: 'VARCHAR'}")
READ = {"json": "read_json('{files}', format='newline_delimited', columns={columns})",
        "csv": "read_csv('{files}', header=true, columns={columns})"}
ANSWER = """
copy (
    with ordered as (
        select *, lead(timestamp) over (
            partition by user_id order by timestamp, url, country) as next
        from {read})
    select url, country, count(*) as clicks, count(distinct user_id) as unique_users,
           avg(case when next - timestamp <= interval 30 minutes
                    then date_diff('microsecond', timestamp, next) / 1e6 end) as avg_seconds_on_page
    from ordered group by url, country
) to '{out}' (header true)
"""

format, files, out = sys.argv[1:4]
duckdb.execute("set preserve_insertion_order = false")
if len(sys.argv) > 4:
    duckdb.execute(f"set memory_limit = '{sys.argv[4]}'")
read = READ[format].format(files=files, columns=COLUMNS)
duckdb.execute(ANSWER.format(read=read, out=out))
