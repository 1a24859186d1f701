"""The table of faults. Each is a generator: what it does, `yield` the seconds that it lasts, what
undoes it. Faults of one resource wait for each other, others overlap as they come."""

import random
import signal
import time

from harness.fault_server import answer, dropped, lost, oversized, truncated

from . import answers
from .machine import ERRORS

SESSION_TIMEOUT = 1.5  # of the pipeline's source-kafka


class Fault:
    def __init__(self, name, resource, weight, run):
        self.name, self.resource, self.weight, self.run = name, resource, weight, run


# ---- sluice ----


def kill(stage, chance):
    stage.main.kill()
    yield chance.choice((0, 0, chance.uniform(0, 2)))
    stage.main.start()


def kill_twice(stage, chance):
    """Again while it recovers."""
    stage.main.kill()
    stage.main.start()
    yield chance.uniform(0.01, 0.5)
    stage.main.kill()
    stage.main.start()


def terminate(stage, chance):
    code = stage.main.stop()
    if code not in (0, 75):
        stage.main.violations.append(f"SIGTERM ended it with {code}")
    yield chance.choice((0, chance.uniform(0, 1)))
    stage.main.start()


def freeze(stage, chance):
    stage.main.signal(signal.SIGSTOP)
    yield SESSION_TIMEOUT + chance.uniform(-1, 1.5)
    stage.main.signal(signal.SIGCONT)


def join_and_leave(stage, chance):
    """A second member for a while, which ends by kill or in order."""
    stage.other.start()
    yield chance.uniform(0.5, 3)
    stage.other.kill() if chance.random() < 0.5 else stage.other.stop()


def frozen_while_another_takes_over(stage, chance):
    stage.other.start()
    time.sleep(chance.uniform(0.3, 1))
    stage.main.signal(signal.SIGSTOP)
    yield SESSION_TIMEOUT + chance.uniform(0.5, 1.5)
    stage.main.signal(signal.SIGCONT)
    time.sleep(chance.uniform(0, 1))
    stage.other.kill() if chance.random() < 0.5 else stage.other.stop()


# ---- servers ----


def server_stopped(name):
    def run(stage, chance):
        server = getattr(stage.world, name)
        server.stop()
        yield chance.uniform(0, 1)
        server.start()
    return run


def server_killed(name):
    def run(stage, chance):
        server = getattr(stage.world, name)
        server.kill()
        yield chance.uniform(0, 1)
        server.start()
    return run


# ---- networks ----


def cut(net):
    def run(stage, chance):
        for _ in range(chance.randrange(1, 5)):
            getattr(stage, net).cut()
            time.sleep(chance.uniform(0, 0.3))
        yield 0
    return run


def refused(net):
    def run(stage, chance):
        getattr(stage, net).refuse()
        yield chance.uniform(0.3, 3)
        getattr(stage, net).heal()
    return run


def stalled(net):
    """For longer than request_timeout (3 s), or than the session timeout, or for less."""
    def run(stage, chance):
        getattr(stage, net).stall()
        yield chance.choice((0.5, 1, 2, 4))
        getattr(stage, net).heal()
    return run


def delayed(net):
    def run(stage, chance):
        getattr(stage, net).delay(chance.uniform(0.02, 0.3))
        yield chance.uniform(1, 3)
        getattr(stage, net).heal()
    return run


def dripping(net):
    def run(stage, chance):
        getattr(stage, net).drip(chance.choice((200, 2000, 20000)))
        yield chance.uniform(1, 3)
        getattr(stage, net).heal()
    return run


# ---- HTTP answers ----


def scripted(attribute, make_action, matches=lambda request: True, most=6):
    """The next few requests get this; what has not come within two seconds passes."""
    def run(stage, chance):
        script = answers.Script(chance.randrange(1, most + 1), make_action(chance), matches)
        setattr(stage, attribute, script)
        yield 2
        setattr(stage, attribute, None)
        stage.note(f"scripted answers given: {script.done}")
    return run


def _s3_error(chance):
    return chance.choice((answers.s3_error(500, "InternalError"), answers.s3_error(503, "SlowDown"),
                          answers.s3_error(408, "RequestTimeout"), answers.page(408),
                          answers.page(429), answers.page(500), answers.page(502),
                          answers.page(503), answer(503, b"", {"Retry-After": "1"})))


def _search_error(chance):
    return chance.choice((answers.page(408), answers.page(429), answers.page(500),
                          answers.page(503), answer(429, b"", {"Retry-After": "1"}),
                          answer(503, {"error": "as scripted", "status": 503})))


def _failing_items(chance):
    seeded = random.Random(chance.random())
    return answers.failing_items(chance.choice((429, 503)), chance.uniform(0.05, 1), seeded)


def _truncated(chance):
    return truncated(chance.choice((0, 10, 200)))


def _oversized(size):
    return lambda chance: oversized(size)


def _oversized_error(size):
    return lambda chance: answers.page(503, size)


def credentials_expire(stage, chance):
    """Those who renew them are late by up to two seconds."""
    stage.credentials.expire()
    yield chance.choice((0, chance.uniform(0, 2)))
    stage.credentials.write()


# ---- the machine ----


def disk_fails(error):
    def run(stage, chance):
        stage.exits_excused.set()
        stage.machine.fail(*ERRORS[error])
        yield chance.uniform(0.2, 1)
        stage.machine.fail(ERRORS[error][0], 0)
        time.sleep(0.5)  # an end that it has caused
        stage.exits_excused.clear()
    return run


def clock_jumps(stage, chance):
    """Somebody sets the clock wrong, and later right."""
    seconds = chance.choice((2, 90, 1200, 10800)) * chance.choice((-1, 1))
    stage.note(f"clock {seconds:+d} s")
    stage.machine.shift_clock(seconds * 1000)
    yield chance.uniform(1, 4)
    stage.machine.shift_clock(0)


MANY = 20 << 20  # above every limit of an answer

FAULTS = [
    Fault("kill -9", "sluice", 6, kill),
    Fault("kill -9 twice", "sluice", 3, kill_twice),
    Fault("SIGTERM", "sluice", 4, terminate),
    Fault("SIGSTOP", "sluice", 4, freeze),
    Fault("a second member", "sluice", 4, join_and_leave),
    Fault("a zombie", "sluice", 4, frozen_while_another_takes_over),
    Fault("Kafka stopped", "kafka", 1.5, server_stopped("kafka")),
    Fault("Kafka killed", "kafka", 1.5, server_killed("kafka")),
    Fault("S3 stopped", "s3", 2, server_stopped("s3")),
    Fault("S3 killed", "s3", 2, server_killed("s3")),
    Fault("search stopped", "search", 0.7, server_stopped("search")),
    Fault("search killed", "search", 0.7, server_killed("search")),
    *(Fault(f"{server} {name}", net, 1.5, make(net))
      for server, net in (("Kafka", "kafka_net"), ("S3", "s3_net"), ("search", "search_net"))
      for name, make in (("connections reset", cut), ("network cut", refused),
                         ("network stalled", stalled), ("network slow", delayed),
                         ("network drips", dripping))),
    Fault("S3 errors", "s3_http", 3, scripted("s3_script", _s3_error, most=12)),
    Fault("S3 errors at completion", "s3_http", 2,
          scripted("s3_script", _s3_error, answers.is_completion)),
    Fault("S3 error in 200", "s3_http", 2, scripted(
        "s3_script", lambda chance: answer(*answers.ERROR_IN_200), answers.is_completion)),
    Fault("S3 answers truncated", "s3_http", 2, scripted("s3_script", _truncated)),
    Fault("S3 answers oversized", "s3_http", 1.5, scripted(
        "s3_script", _oversized(MANY), lambda request: not answers.is_object_read(request))),
    Fault("S3 errors oversized", "s3_http", 1, scripted("s3_script", _oversized_error(MANY))),
    Fault("S3 answers lost", "s3_http", 3, scripted("s3_script", lambda chance: lost())),
    Fault("S3 completions lost", "s3_http", 3, scripted(
        "s3_script", lambda chance: lost(), answers.is_completion)),
    Fault("S3 requests lost", "s3_http", 2, scripted("s3_script", lambda chance: dropped())),
    Fault("S3 credentials expire", "credentials", 4, credentials_expire),
    Fault("search errors", "search_http", 3, scripted("search_script", _search_error, most=12)),
    Fault("search items fail", "search_http", 3, scripted(
        "search_script", _failing_items, answers.is_bulk)),
    Fault("search answers truncated", "search_http", 2, scripted("search_script", _truncated)),
    Fault("search answers oversized", "search_http", 1.5,
          scripted("search_script", _oversized(MANY))),
    Fault("search errors oversized", "search_http", 1,
          scripted("search_script", _oversized_error(MANY))),
    Fault("search answers lost", "search_http", 2, scripted("search_script", lambda chance: lost())),
    *(Fault(error, "disk", 1, disk_fails(error)) for error in ERRORS),
    Fault("clock jumps", "clock", 4, clock_jumps),
]
