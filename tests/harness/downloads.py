"""Server programs from Maven Central, kept in a cache that outlives the test run."""

import fcntl
import os
import shutil
import subprocess
import zipfile
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ.get("SLUICE_TEST_CACHE")
             or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sluice-tests")


@contextmanager
def locked():
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def maven(*arguments):
    for attempt in range(3):
        result = subprocess.run(["mvn", "-B", "-q", *arguments], capture_output=True, text=True)
        if result.returncode == 0:
            return
    raise RuntimeError(f"Maven could not fetch {arguments}:\n{result.stdout}{result.stderr}")


def artifact(coordinates):
    """The file of one artifact, group:name:version:packaging[:classifier]."""
    parts = coordinates.split(":")
    folder = CACHE / "artifacts" / "-".join(parts[1:])
    with locked():
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            maven("org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
                  f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}")
            (folder / "complete").touch()
    return next(path for path in folder.iterdir() if path.name != "complete")


def classpath(name, pom):
    """A folder with all jars that the given pom.xml asks for."""
    folder = CACHE / "jars" / name
    with locked():
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / "pom.xml").write_text(pom)
            maven("-f", str(folder / "pom.xml"),
                  "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies",
                  "-DincludeScope=runtime", f"-DoutputDirectory={folder}")
            (folder / "complete").touch()
    return folder


def unpacked(archive, into):
    """Unpacks a zip into a folder, with file modes, readable for all."""
    with zipfile.ZipFile(archive) as source:
        for item in source.infolist():
            path = Path(source.extract(item, into))
            mode = item.external_attr >> 16
            path.chmod(0o755 if item.is_dir() or mode & 0o100 else 0o644)
    return into
