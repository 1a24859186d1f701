"""Fixtures: real servers, started once a run when the first test asks for them."""

import os
import random
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import fault_server, process  # noqa: E402
from harness.kafka import Kafka  # noqa: E402
from harness.s3 import S3  # noqa: E402
from harness.search import Search  # noqa: E402
from harness.sluice import Sluice  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true",
                     help="also what takes long: other search engines, large inputs")
    parser.addoption("--faultpoints", action="store_true",
                     help="also what needs the build asan-ubsan, which can be killed at named points")


def pytest_configure(config):
    # A run that is told to end stops its servers first. Servers are on this machine: no proxy.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "localhost,127.0.0.1"
    config.addinivalue_line("markers", "full: runs with --full only")
    config.addinivalue_line("markers", "faultpoints: runs with --faultpoints only")
    config.addinivalue_line("markers", "sanitize: also runs under ASan, UBSan and TSan")


def pytest_unconfigure():
    process.destroy_all()


def pytest_collection_modifyitems(config, items):
    """What needs --full or --faultpoints is left out of the collection without it, not skipped."""
    absent = [name for name in ("full", "faultpoints") if not config.getoption(f"--{name}")]
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in absent)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def sample(request):
    """sample(cases, n): every n-th of many cases, from a random one on; with --full all of them.
    SLUICE_FAULT_SEED repeats the choice of a run that failed."""
    seed = int(os.environ.get("SLUICE_FAULT_SEED", random.randrange(1 << 32)))

    def choose(cases, step):
        cases = list(cases)
        if request.config.getoption("--full"):
            return cases
        print(f"every {step}th of {len(cases)} cases: SLUICE_FAULT_SEED={seed}")
        return cases[seed % min(step, len(cases)):: step]
    return choose


@pytest.fixture(autouse=True)
def faults_end_with_their_test():
    """Those of fixtures that live longer go on."""
    before = fault_server.running()
    yield
    fault_server.stop_all(but=before)


def _serve(server):
    yield server
    server.destroy()


@pytest.fixture(scope="session")
def kafka():
    yield from _serve(Kafka())


@pytest.fixture(scope="session")
def s3():
    yield from _serve(S3())


@pytest.fixture(scope="session")
def search():
    yield from _serve(Search())


@pytest.fixture(scope="session")
def elasticsearch():
    yield from _serve(Search("elasticsearch"))


@pytest.fixture(scope="session")
def opensearch3():
    yield from _serve(Search("opensearch3"))


@pytest.fixture
def sluice(tmp_path):
    runner = Sluice(tmp_path)
    yield runner
    runner.kill_all()
