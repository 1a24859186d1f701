# SPDX-License-Identifier: Apache-2.0
"""sluice run: what it shows while it works, and how it ends."""

import array
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest

from harness.sluice import BUILD, PATIENCE, PROGRAM, eventually

TEMPLATE = BUILD / "template"

PIPELINE = """
pipeline: words
settings: {checkpoint: 500ms}
flows:
  words:
    %s
    steps:
      - source-template: {rows: %d}
      - sink-template: {folder: out}
"""

ENDLESS = 10**15


@pytest.fixture
def words(sluice):
    """Writes the pipeline; gives the words of its command line."""
    def make(rows, trigger="every: 1h"):
        sluice.write("words.yaml", PIPELINE % (trigger, rows))
        (sluice.folder / "out").mkdir(exist_ok=True)
        return ["run", "--plugin-path", str(TEMPLATE), "words.yaml"]
    return make


def rows_written(sluice):
    return sum(file.read_bytes().count(b"\n") for file in (sluice.folder / "out").glob("[!.]*"))


def test_a_run_ends_with_a_table_and_exit_code_0(sluice, words):
    outcome = sluice.run_ok(*words(1234), "--once")
    assert outcome.stdout == ""
    assert "ROWS IN" in outcome.stderr
    assert re.search(r"words +source-template +0 +1,234", outcome.stderr)
    assert re.search(r" +sink-template +1,234", outcome.stderr)
    assert rows_written(sluice) == 1234


def test_json_logs_are_whole_lines_of_json_and_sum_up_the_run(sluice, words):
    outcome = sluice.run_ok(*words(10), "--once", "--log", "json")
    lines = [json.loads(line) for line in outcome.stderr.splitlines()]
    (sink,) = [line for line in lines if line["message"] == "step summary"
               and line["step"] == "sink-template"]
    assert sink["rows_in"] == "10" and sink["flow"] == "words" and sink["pipeline"] == "words"


def test_the_least_log_level_is_obeyed(sluice, words):
    outcome = sluice.run_ok(*words(10), "--once", "--log-level", "error")
    assert "level=" not in outcome.stderr


def test_a_failing_flow_gives_exit_code_1_and_its_reason(sluice, words):
    arguments = words(10)
    (sluice.folder / "out").rmdir()
    outcome = sluice.run(*arguments, "--once")
    assert outcome.code == 1
    assert "opening the folder failed: No such file or directory" in outcome.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_drains_and_commits_with_exit_code_0(sluice, words, number):
    process = sluice.start(*words(ENDLESS, "# continuous"))
    eventually(lambda: rows_written(sluice) > 0, what="a first checkpoint")
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0, sluice.log()
    assert "stopping" in sluice.log()
    written = rows_written(sluice)
    assert re.search(rf"sink-template +{written:,} ", sluice.log())


def test_a_signal_that_comes_while_the_pipeline_is_read_ends_the_run_in_order(sluice, words):
    arguments = words(ENDLESS, "# continuous")
    text = (sluice.folder / "words.yaml").read_text()
    (sluice.folder / "words.yaml").unlink()
    os.mkfifo(sluice.folder / "words.yaml")
    process = sluice.start(*arguments)
    with open(sluice.folder / "words.yaml", "w") as fifo:  # waits until it is read
        process.send_signal(signal.SIGTERM)
        fifo.write(text)
    assert process.wait(PATIENCE) == 0, sluice.log()
    assert "stopping" in sluice.log()


@pytest.fixture
def blocked(sluice):
    """A pipeline whose sink writes into a pipe that nobody reads: it can never be drained."""
    sluice.write("blocked.yaml", PIPELINE.replace(
        "- sink-template: {folder: out}", "- sink-file: {path: '-', format: json}")
        % ("# continuous", ENDLESS))
    reader, writer = os.pipe()
    yield ["run", "--plugin-path", str(TEMPLATE), "blocked.yaml"], reader, writer
    os.close(reader)
    os.close(writer)


def is_full(reader):
    """The pipe holds what a pipe can: the next write waits."""
    waiting = array.array("i", [0])
    fcntl.ioctl(reader, termios.FIONREAD, waiting)
    return waiting[0] >= fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ) - 4096


def test_a_second_signal_ends_it_at_once_with_exit_code_75(sluice, blocked):
    arguments, reader, writer = blocked
    log = open(sluice.folder / "sluice.log", "wb")
    process = subprocess.Popen([PROGRAM, *arguments], cwd=sluice.folder, stdout=writer, stderr=log)
    sluice.running.append(process)
    eventually(lambda: is_full(reader), what="a full pipe")
    process.send_signal(signal.SIGTERM)
    eventually(lambda: "stopping" in sluice.log(), what="the first signal to be seen")
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(25) == 75, sluice.log()  # without waiting for `shutdown`, 30 s
    assert "stopped at once" in sluice.log()


def test_a_signal_that_comes_twice_at_once_counts_once(sluice, words):
    process = sluice.start(*words(ENDLESS, "# continuous"))
    eventually(lambda: rows_written(sluice) > 0, what="a first checkpoint")
    for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
        process.send_signal(number)  # stopped, so that both are there when it looks
    assert process.wait(PATIENCE) == 0, sluice.log()


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(sluice, words):
    process = subprocess.Popen(
        [PROGRAM, *words(ENDLESS, "# continuous")], cwd=sluice.folder, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    sluice.running.append(process)
    eventually(lambda: rows_written(sluice) > 0, what="a first checkpoint")
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)


class Terminal:
    """sluice on a pseudo-terminal; collects everything that it draws."""

    def __init__(self, sluice, arguments, columns=100, env=None, stdout=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [PROGRAM, *arguments], cwd=sluice.folder, stdin=slave,
            stdout=slave if stdout is None else stdout, stderr=slave,
            env=os.environ | {"TERM": "xterm"} | (env or {}))
        sluice.running.append(self.process)
        os.close(slave)
        self.output = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            try:
                select.select([self.master], [], [])
                piece = os.read(self.master, 65536)
            except OSError:
                return
            if not piece:
                return
            self.output += piece

    @property
    def text(self):
        return self.output.decode(errors="replace")

    def finish(self):
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code


def test_a_terminal_shows_a_live_line_a_step_redrawn_in_place(sluice, words):
    terminal = Terminal(sluice, words(ENDLESS, "# continuous"))
    eventually(lambda: terminal.text.count("\x1b[3A\x1b[J") > 2, what="three redraws")
    eventually(lambda: re.search(r"source-template +[\d,]+ rows +[\d.]+ [kM]/s +[\d.]+ [MG]iB",
                                 terminal.text), what="a line of the source at speed")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.finish() == 0, terminal.text
    assert re.search(r"words  running", terminal.text)
    assert terminal.text.count("\x1b[?25l") == 1 and terminal.text.count("\x1b[?25h") == 1
    assert "ROWS IN" in terminal.text.split("\x1b[?25h")[1]


def test_no_drawn_line_is_wider_than_the_terminal(sluice, words):
    terminal = Terminal(sluice, words(ENDLESS, "# continuous"), columns=40)
    eventually(lambda: terminal.text.count("\x1b[J") > 3, what="some frames")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.finish() == 0
    frames = re.findall(r"\x1b\[J((?:(?!\x1b|time=).)*)", terminal.text, re.S)
    assert frames
    for line in "".join(frames).split("\r\n"):
        assert len(line) < 40, line


def test_the_cursor_comes_back_after_a_second_signal(sluice, blocked):
    arguments, reader, writer = blocked
    terminal = Terminal(sluice, arguments, stdout=writer)
    eventually(lambda: is_full(reader), what="a full pipe")
    terminal.process.send_signal(signal.SIGTERM)
    eventually(lambda: "stopping" in terminal.text, what="the first signal to be seen")
    time.sleep(1)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.finish() == 75
    assert terminal.text.rstrip().endswith("last checkpoint")
    assert "\x1b[?25h" in terminal.text


@pytest.mark.parametrize("arguments, env", [
    (["--no-progress"], {}),
    (["--log", "json"], {}),
    ([], {"TERM": "dumb"}),
])
def test_nothing_is_drawn_where_nobody_wants_it(sluice, words, arguments, env):
    terminal = Terminal(sluice, [*words(10), "--once", *arguments], env=env)
    assert terminal.finish() == 0
    assert "\x1b[?25l" not in terminal.text and "\x1b[J" not in terminal.text
