# SPDX-License-Identifier: Apache-2.0
"""process.py json|csv GLOB OUT: the aggregation of DataCo by Polars, streaming engine, all cores. One
sort of all rows and a shift is faster than a window for each user."""

import sys

import polars as pl

FIELDS = ("user_id", "timestamp", "url", "country", "city", "user_agent")

format, files, out = sys.argv[1:4]
schema = dict.fromkeys(FIELDS, pl.String)
scan = (pl.scan_ndjson(files, schema=schema) if format == "json"
        else pl.scan_csv(files, schema=schema))
time = pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us")
gap = pl.col("timestamp").shift(-1) - pl.col("timestamp")
stays = (pl.col("user_id").shift(-1) == pl.col("user_id")) & (gap <= pl.duration(minutes=30))
(scan.with_columns(time)
     .sort("user_id", "timestamp", "url", "country")
     .with_columns(seconds=pl.when(stays).then(gap.dt.total_microseconds() / 1e6))
     .group_by("url", "country")
     .agg(clicks=pl.len(), unique_users=pl.col("user_id").n_unique(),
          avg_seconds_on_page=pl.col("seconds").mean())
     .collect(engine="streaming")
     .write_csv(out))
