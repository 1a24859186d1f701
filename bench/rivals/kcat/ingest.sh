#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ingest.sh KCAT BROKERS TOPIC none|gzip OUT: the values of a topic → lines of a file, not parsed.
set -e
read_topic() {
  "$1" -C -b "$2" -t "$3" -o beginning -e -q -X queued.min.messages=10000000 \
    -X fetch.message.max.bytes=262144
}
case $4 in
none) read_topic "$1" "$2" "$3" >"$5" ;;
gzip) read_topic "$1" "$2" "$3" | gzip -6 >"$5" ;;
esac
