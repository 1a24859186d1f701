# SPDX-License-Identifier: Apache-2.0
"""The program as a user of the shell meets it: verbs, flags, messages and exit codes."""

import pytest

from harness.sluice import BUILD

TEMPLATE = BUILD / "template"

GOOD = """
pipeline: words
flows:
  words:
    every: 1h
    steps:
      - source-template: {rows: 10}
      - sink-template: {folder: out}
"""


@pytest.mark.parametrize("arguments, complaint", [
    (["rnu"], 'unknown verb "rnu"; did you mean "run"?'),
    (["frobnicate"], 'unknown verb "frobnicate"; see sluice --help'),
    (["run"], "run needs FILE...; see sluice help run"),
    (["version", "now"], "version takes no operands"),
    (["plugins", "a", "b"], "plugins takes [NAME]"),
    (["run", "--onec", "x.yaml"], "run: unknown flag --onec; did you mean --once?"),
    (["run", "--log", "jsn", "x.yaml"], '--log cannot be "jsn"; did you mean json?'),
    (["run", "--log-level=loud", "x.yaml"], "it is one of debug, info, warn, error"),
    (["run", "x.yaml", "--flow"], "--flow needs a value: --flow NAME"),
    (["check", "--once", "x.yaml"], "check: unknown flag --once"),
    (["plugins", "--json-schema", "--markdown"], "--json-schema is about all plugins"),
    (["help", "rum"], 'did you mean "run"?'),
])
def test_a_wrong_command_line_is_explained_with_exit_code_2(sluice, arguments, complaint):
    outcome = sluice.run(*arguments)
    assert outcome.code == 2
    assert complaint in outcome.stderr
    assert outcome.stdout == ""


def test_no_arguments_at_all_print_the_usage_with_exit_code_2(sluice):
    outcome = sluice.run()
    assert outcome.code == 2
    assert "Usage: sluice VERB" in outcome.stderr


@pytest.mark.parametrize("arguments, expected", [
    (["--help"], "Exit codes:"),
    (["-h"], "Exit codes:"),
    (["help"], "Exit codes:"),
    (["help", "run"], "--once"),
    (["run", "--help"], "--once"),
    (["check", "-h"], "without running"),
    (["plugins", "--help"], "--json-schema"),
    (["version", "--help"], "plugin ABI"),
])
def test_help_is_everywhere_and_goes_to_standard_output(sluice, arguments, expected):
    outcome = sluice.run_ok(*arguments)
    assert expected in outcome.stdout
    assert outcome.stderr == ""


def test_the_help_lists_every_exit_code(sluice):
    codes = [line.split()[0] for line in sluice.run_ok("--help").stdout.splitlines()
             if line.strip()[:1].isdigit()]
    assert codes == ["0", "1", "2", "75", "78"]


@pytest.mark.parametrize("word", ["version", "--version"])
def test_the_version_names_the_abi_and_the_libraries(sluice, word):
    outcome = sluice.run_ok(word)
    assert outcome.stdout.startswith("sluice ")
    assert "plugin ABI 1." in outcome.stdout
    assert "libyaml" in outcome.stdout


def test_a_full_disk_under_the_output_is_an_error(sluice):
    import subprocess

    from harness.sluice import PROGRAM
    with open("/dev/full", "wb") as full:
        result = subprocess.run([PROGRAM, "version"], stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 1
    assert b"No space left" in result.stderr


# ---- check ----


def test_a_correct_file_is_summed_up_on_a_line_a_flow(sluice):
    sluice.write("good.yaml", GOOD)
    outcome = sluice.run_ok("check", "--plugin-path", TEMPLATE, "good.yaml")
    assert "good.yaml: pipeline words is correct" in outcome.stdout
    assert "source-template → sink-template; rejected → dead-letter; exactly once" in outcome.stdout
    assert not (sluice.folder / "state").exists()


def test_check_needs_no_environment(sluice):
    sluice.write("env.yaml", GOOD.replace("10", '"${ROWS}"').replace("out", '"${OUT}"'))
    sluice.run_ok("check", "--plugin-path", TEMPLATE, "env.yaml")
    outcome = sluice.run("run", "--once", "--plugin-path", TEMPLATE, "env.yaml")
    assert outcome.code == 78
    assert "ROWS" in outcome.stderr and "OUT" in outcome.stderr


def test_mistakes_are_shown_with_their_place_and_exit_code_78(sluice):
    sluice.write("bad.yaml", GOOD.replace("rows: 10", "rosw: 10").replace("folder: out", "x: 1"))
    outcome = sluice.run("check", "--plugin-path", TEMPLATE, "bad.yaml")
    assert outcome.code == 78
    assert "bad.yaml:7:" in outcome.stderr and "did you mean `rows`?" in outcome.stderr
    assert "bad.yaml:8:" in outcome.stderr
    assert outcome.stdout == ""


def test_a_missing_file_is_a_configuration_error(sluice):
    outcome = sluice.run("run", "nowhere.yaml")
    assert outcome.code == 78
    assert "nowhere.yaml" in outcome.stderr


def test_standard_input_is_a_file_too(sluice):
    sluice.run_ok("check", "--plugin-path", TEMPLATE, "-", input=GOOD.encode())


# ---- plugins ----


def test_components_are_listed_in_a_table(sluice):
    outcome = sluice.run_ok("plugins", "--plugin-path", TEMPLATE)
    lines = outcome.stdout.splitlines()
    assert lines[0].split() == ["NAME", "KIND", "GUARANTEE", "PLUGIN", "VERSION", "SUMMARY"]
    (sink,) = [line for line in lines if line.startswith("sink-template")]
    assert "exactly once" in sink and "1.0.0" in sink


def test_a_component_is_explained_from_its_option_table(sluice):
    outcome = sluice.run_ok("plugins", "--plugin-path", TEMPLATE, "transform-template")
    for word in ("column", "required", "String column to measure.", "most_bytes", "64KiB"):
        assert word in outcome.stdout


def test_the_references_are_printed_for_machines(sluice):
    import json
    schema = sluice.run_ok("plugins", "--plugin-path", TEMPLATE, "--json-schema").stdout
    assert "source-template" in json.dumps(json.loads(schema))
    markdown = sluice.run_ok("plugins", "--plugin-path", TEMPLATE, "--markdown").stdout
    assert "`most_bytes`" in markdown


@pytest.mark.parametrize("name, hint", [
    ("source-tmplate", "did you mean `source-template`?"),
    ("template", "source-template or transform-template or sink-template"),
    ("nothing-like-it", "looked in"),
])
def test_an_unknown_component_gets_a_hint(sluice, name, hint):
    outcome = sluice.run("plugins", "--plugin-path", TEMPLATE, name)
    assert outcome.code == 78
    assert hint in outcome.stderr


def test_a_broken_plugin_is_named_beside_the_good_ones(sluice):
    folder = sluice.folder / "plugins"
    folder.mkdir()
    (folder / "sluice-text.so").write_text("no plugin")
    outcome = sluice.run("plugins", "--plugin-path", f"{TEMPLATE}:{folder}")
    assert outcome.code == 78
    assert "sluice-text.so is not a shared object" in outcome.stderr
    assert "sink-template" in outcome.stdout


def test_a_broken_plugin_stops_the_pipeline_that_needs_it_with_exit_code_78(sluice):
    folder = sluice.folder / "plugins"
    folder.mkdir()
    (folder / "sluice-sink-template.so").write_bytes((TEMPLATE / "sluice-sink-template.so")
                                                    .read_bytes()[:3000])
    sluice.write("good.yaml", GOOD)
    outcome = sluice.run("run", "--once", "--plugin-path", f"{folder}:{TEMPLATE}", "good.yaml")
    assert outcome.code == 78
    assert "good.yaml:8:" in outcome.stderr and "cut off" in outcome.stderr


def test_the_environment_names_plugin_folders_too(sluice):
    outcome = sluice.run_ok("plugins", "sink-template", env={"SLUICE_PLUGIN_PATH": TEMPLATE})
    assert "folder" in outcome.stdout
