# SPDX-License-Identifier: Apache-2.0
"""The works, in the order in which bench/run does them: {name: function of a Bench}."""

from works import index, ingest, instructions, lanes, process, slope, spill, start, transform

WORKS = {
    "process": process.run,
    "spill": spill.run,
    "ingest": ingest.run,
    "transform": transform.run,
    "index": index.run,
    "start": start.run,
    "slope": slope.run,
    "lanes": lanes.run,
    "instructions": instructions.run,
}
