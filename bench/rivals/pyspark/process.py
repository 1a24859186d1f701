# SPDX-License-Identifier: Apache-2.0
"""process.py json|csv GLOB OUT CORES: the aggregation of DataCo by PySpark in local mode. OUT is a
folder with one part in it. As many partitions as cores: the default of 200 is for clusters."""

import os
import sys

from pyspark.sql import SparkSession, Window, functions as f

FIELDS = ("user_id string, timestamp timestamp, url string, country string, city string, "
          "user_agent string")

os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}
format, files, out, cores = sys.argv[1:5]
spark = (SparkSession.builder.master(f"local[{cores}]")
         .config("spark.driver.memory", "4g")
         .config("spark.ui.enabled", "false")
         .config("spark.driver.host", "127.0.0.1")
         .config("spark.sql.session.timeZone", "UTC")
         .config("spark.sql.shuffle.partitions", cores)
         .getOrCreate())
reader = spark.read.schema(FIELDS)
clicks = (reader.json(files, allowSingleQuotes=False) if format == "json"
          else reader.csv(files, header=True, escape='"'))
visits = Window.partitionBy("user_id").orderBy("timestamp", "url", "country")
seconds = (f.unix_micros(f.lead("timestamp").over(visits)) - f.unix_micros("timestamp")) / 1e6
(clicks.withColumn("seconds", seconds)
       .groupBy("url", "country")
       .agg(f.count("*").alias("clicks"), f.count_distinct("user_id").alias("unique_users"),
            f.avg(f.when(f.col("seconds") <= 1800, f.col("seconds"))).alias("avg_seconds_on_page"))
       .coalesce(1).write.csv(out, header=True, mode="overwrite", escape='"'))
spark.stop()
