# SPDX-License-Identifier: Apache-2.0
"""process.py json|csv GLOB OUT: the aggregation of DataCo by chDB (ClickHouse), all cores."""

import sys

import chdb

COLUMNS = ("user_id String, timestamp DateTime64(6, ''UTC''), url String, country String, "
           "city String, user_agent String")
FORMATS = {"json": "JSONEachRow", "csv": "CSVWithNames"}
ANSWER = """
select url, country, count() as clicks, uniqExact(user_id) as unique_users,
       avgOrNull(if(seconds <= 1800, seconds, null)) as avg_seconds_on_page
from (
    select user_id, url, country,
           (toUnixTimestamp64Micro(leadInFrame(toNullable(timestamp)) over (
                partition by user_id order by timestamp, url, country
                rows between current row and unbounded following))
            - toUnixTimestamp64Micro(timestamp)) / 1e6 as seconds
    from file('{files}', {format}, '{columns}'))
group by url, country
into outfile '{out}' truncate format CSVWithNames
settings date_time_input_format = 'best_effort', format_csv_null_representation = ''
"""

format, files, out = sys.argv[1:4]
chdb.query(ANSWER.format(files=files, format=FORMATS[format], columns=COLUMNS, out=out))
