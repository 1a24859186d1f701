# SPDX-License-Identifier: Apache-2.0
"""The Debian packages of scripts/package: what is in them, what they demand, and that it runs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.sluice import BUILD, ROOT, environment

FILES = """
pipeline: packaged
settings: {state: state}
flows:
  clicks:
    steps:
      - source-generate: {count: 1000}
      - sink-file: {path: clicks.json, format: json}
"""
KAFKA = FILES.replace("sink-file: {path: clicks.json, format: json}",
                      "sink-kafka: {brokers: embedded, topic: clicks, value: value}")
DATACO = ["/usr/share/doc/sluice/examples/simulate.yaml",
          "/usr/share/doc/sluice/examples/dataco.yaml"]


class Package:
    def __init__(self, path):
        self.path, self.name = path, path.name.partition("_")[0]

    def field(self, name):
        return output("dpkg-deb", "--field", self.path, name).strip()

    def depends(self):
        return re.findall(r"(?:^|[,|]) *([a-z0-9.+-]+)", self.field("Depends"))

    def files(self):
        return [line.split()[5].removeprefix(".")
                for line in output("dpkg-deb", "--contents", self.path).splitlines()]


def output(*command, **keywords):
    return subprocess.run(command, check=True, capture_output=True, text=True, **keywords).stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    made = output(ROOT / "scripts" / "package", folder, env=os.environ | {"SLUICE_BUILD": str(BUILD)})
    return {package.name: package for package in map(Package, map(Path, made.split()))}


def released(packages):
    """Those that are not for debuggers only."""
    return [package for package in packages.values() if not package.name.endswith("-dbgsym")]


class Root:
    """A folder with what some packages hold, without what they depend on: that is the machine's."""

    def __init__(self, folder, packages):
        self.folder, self.work = folder / "root", folder / "work"
        self.work.mkdir()
        for package in packages:
            subprocess.run(["dpkg-deb", "--extract", package.path, self.folder], check=True)

    def path(self, name):
        return f"{self.folder}{name}"

    def sluice(self, *arguments, env=None):
        return subprocess.run([self.path("/usr/bin/sluice"), *arguments], cwd=self.work,
                              env=environment(env), capture_output=True, text=True, timeout=240)


@pytest.fixture
def bare(packages, tmp_path):
    return Root(tmp_path, [packages["sluice"]])


@pytest.fixture
def everything(packages, tmp_path):
    return Root(tmp_path, released(packages))


def test_each_plugin_of_the_build_is_in_one_package(packages):
    packed = [Path(name).name for package in released(packages) for name in package.files()
              if name.endswith(".so")]
    assert sorted(packed) == sorted(path.name for path in (BUILD / "plugins").glob("*.so"))


def test_who_wants_files_only_needs_no_client_library(packages):
    needed = packages["sluice"].depends()
    assert "libc6" in needed and "libyaml-0-2" in needed
    assert [name for name in needed if re.match("librdkafka|libcurl|libxml2|libssl", name)] == []


@pytest.mark.parametrize("name, library", [
    ("sluice-plugin-kafka", "librdkafka1"), ("sluice-plugin-s3", "libcurl4"),
    ("sluice-plugin-s3", "libxml2"), ("sluice-plugin-es", "libcurl4")])
def test_a_plugin_package_demands_its_library_and_the_same_sluice(packages, name, library):
    version = packages["sluice"].field("Version")
    assert library in packages[name].depends()
    assert f"sluice (= {version})" in packages[name].field("Depends")


def test_the_packages_are_what_debian_wants_of_them(packages):
    """But for a bug of Debian's that a first upload would close."""
    found = subprocess.run(["lintian", "--allow-root", "--suppress-tags",
                            "initial-upload-closes-no-bugs",
                            *(package.path for package in released(packages))],
                           capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, ""), found.stdout + found.stderr


def test_the_program_alone_runs_what_needs_no_server(bare):
    assert bare.sluice("version").stdout.startswith("sluice ")
    (bare.work / "files.yaml").write_text(FILES)
    assert bare.sluice("check", "files.yaml").returncode == 0
    ran = bare.sluice("run", "--once", "files.yaml")
    assert ran.returncode == 0, ran.stderr
    assert (bare.work / "clicks.json").read_text().count("\n") == 1000


def test_a_pipeline_whose_plugin_is_in_another_package_is_refused_with_the_folders_searched(bare):
    (bare.work / "kafka.yaml").write_text(KAFKA)
    checked = bare.sluice("check", "kafka.yaml")
    assert checked.returncode == 78
    assert "sink-kafka" in checked.stderr and "/usr/lib/sluice/plugins" in checked.stderr


def test_with_all_packages_the_dataco_example_runs(everything):
    ran = everything.sluice("run", "--once", *map(everything.path, DATACO), env={"EVENTS": 5000})
    assert ran.returncode == 0, ran.stderr
    assert (everything.work / "data/index/dataco-pages.ndjson").stat().st_size > 0


def test_a_plugin_is_built_against_the_package_for_authors(everything):
    template = everything.path("/usr/share/sluice/template")
    flags = output("pkg-config", "--cflags", "--define-variable=prefix=" + everything.path("/usr"),
                   everything.path("/usr/share/pkgconfig/sluice.pc")).split()
    plugin = everything.work / "sluice-source-template.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", plugin, f"{template}/source.c", *flags], check=True)
    listed = everything.sluice("plugins", "--plugin-path", everything.work, "source-template")
    assert listed.returncode == 0, listed.stderr


def test_the_manual_page_is_one(everything):
    page = everything.path("/usr/share/man/man1/sluice.1.gz")
    text = output("gzip", "-dc", page)
    assert text == (ROOT / "docs/reference/sluice.1").read_text()


def test_debuggers_find_the_symbols_in_packages_of_their_own(packages, everything):
    notes = output("readelf", "--notes", everything.path("/usr/bin/sluice"))
    number = re.search(r"Build ID: (\w+)", notes).group(1)
    assert f"/usr/lib/debug/.build-id/{number[:2]}/{number[2:]}.debug" in \
        packages["sluice-dbgsym"].files()
    assert ".symtab" not in output("readelf", "--sections", everything.path("/usr/bin/sluice"))


# ---- the unit ----


@pytest.fixture
def unit(everything):
    """The unit as installed, with the root's program in it."""
    text = Path(everything.path("/usr/lib/systemd/system/sluice@.service")).read_text()
    path = everything.work / "sluice@.service"
    path.write_text(text.replace("/usr/bin/sluice", everything.path("/usr/bin/sluice")))
    return path


def settings(unit):
    return dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line[1:]
                and not line.startswith("#"))


def test_systemd_understands_the_unit(unit):
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True,
                              text=True)
    told = [line for line in verified.stderr.splitlines() if "sluice" in line]
    assert told == []


def test_systemd_finds_the_unit_well_hardened(unit):
    result = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=20", unit],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_command_of_the_unit_runs(everything, unit):
    file = everything.work / "packaged.yaml"
    file.write_text(FILES)
    command = settings(unit)["ExecStart"].replace("/etc/sluice/%i.yaml", str(file)).split()
    ran = subprocess.run(command, cwd=everything.work, env=environment(), capture_output=True,
                         text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    assert '"result":"done"' in ran.stderr.splitlines()[-1]


# ---- a machine that has nothing ----


def sources():
    """Where this machine has its own packages from."""
    files = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*.sources"),
             *Path("/etc/apt/sources.list.d").glob("*.list")]
    return "\n".join(path.read_text() for path in files if path.exists())


@pytest.fixture
def clean_root(packages, tmp_path):
    """A Debian 12 with nothing but its essential packages, apt, and ours, installed by apt."""
    root, folder = tmp_path / "debian", tmp_path / "debs"
    folder.mkdir()
    for package in released(packages):
        shutil.copy(package.path, folder)
    made = subprocess.run(
        ["mmdebstrap", "--variant=apt", f"--customize-hook=copy-in {folder} /",
         "--customize-hook=chroot \"$1\" sh -c 'DEBIAN_FRONTEND=noninteractive apt-get install -q -y "
         "--no-install-recommends systemd-standalone-sysusers /debs/*.deb'", "bookworm", root, "-"],
        input=sources(), capture_output=True, text=True)
    assert made.returncode == 0, made.stderr[-4000:]
    yield root
    shutil.rmtree(root)


def in_root(root, script):
    """In a namespace of its own, whose /proc goes with it."""
    return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--root", root,
                           "--mount-proc", "sh", "-ec", script], capture_output=True, text=True,
                          timeout=240, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def on_a_root_that_cannot_be_written(root, command):
    """As the container runs it: but for its working folder nothing can be written."""
    return subprocess.run(["unshare", "--mount", "sh", "-ec", f"""
        mount --bind "{root}" "{root}"
        mount -o remount,bind,ro "{root}"
        mount -t proc proc "{root}/proc"
        mount -t tmpfs -o mode=0777 tmpfs "{root}/var/lib/sluice"
        chroot "{root}" sh -ec 'cd /var/lib/sluice
            if touch /etc/sluice/x 2>/dev/null; then exit 3; fi
            exec setpriv --reuid sluice --regid sluice --clear-groups sh -c "{command}"'"""],
        capture_output=True, text=True, timeout=240)


@pytest.mark.full
def test_the_packages_are_installed_and_run_on_a_clean_debian_and_leave_again(clean_root):
    ran = in_root(clean_root, f"""
        id sluice
        install -d -o sluice -g sluice /var/lib/sluice/dataco
        cd /var/lib/sluice/dataco
        setpriv --reuid sluice --regid sluice --clear-groups \\
            env EVENTS=5000 sluice run --once {" ".join(DATACO)}
        test -s data/index/dataco-pages.ndjson""")
    assert ran.returncode == 0, ran.stdout + ran.stderr

    ran = on_a_root_that_cannot_be_written(clean_root, f"EVENTS=5000 sluice run --once {' '.join(DATACO)}")
    assert ran.returncode == 0, ran.stdout + ran.stderr

    removed = in_root(clean_root, "apt-get purge -q -y sluice sluice-dev && dpkg --audit")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    left = in_root(clean_root, "ls -d /usr/*/sluice* /usr/lib/*/*/sluice* || true").stdout
    assert left == ""
    assert in_root(clean_root, "test -s /var/lib/sluice/dataco/data/index/dataco-pages.ndjson"
                   ).returncode == 0
