"""Faults of this machine that are switched while sluice runs: tests/faults/interpose/live.c."""

import errno
import mmap
import struct
from contextlib import contextmanager

from harness.faults import preloading
from harness.sluice import BUILD

LIBRARY = BUILD / "tests" / "live.so"
CLOCK, WRITE, SYNC, RENAME, HITS = 0, 8, 12, 16, 20  # offsets in struct live_faults


class Machine:
    def __init__(self, folder):
        """folder: the state folder of which files are to fail."""
        self.path, self.folder = folder.with_name("live-faults"), folder
        self.path.write_bytes(bytes(4096))
        with open(self.path, "r+b") as file:
            self.switches = mmap.mmap(file.fileno(), 4096)

    def environment(self):
        return preloading(LIBRARY) | {"SLUICE_LIVE_FAULTS": self.path,
                                      "SLUICE_LIVE_FOLDER": self.folder}

    def shift_clock(self, milliseconds):
        struct.pack_into("q", self.switches, CLOCK, milliseconds)

    def fail(self, call, number):
        struct.pack_into("i", self.switches, call, number)

    def heal(self):
        self.switches[:HITS] = bytes(HITS)

    @property
    def hits(self):
        return struct.unpack_from("i", self.switches, HITS)[0]


ERRORS = {"disk full": (WRITE, errno.ENOSPC), "write fails": (WRITE, errno.EIO),
          "fsync fails": (SYNC, errno.EIO), "rename fails": (RENAME, errno.EIO)}
