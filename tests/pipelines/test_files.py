"""Files in, files out: formats, compressions, bad input."""

import csv
import gzip
import io
import json
import random

import pytest

from files_story import BATCH, CLICK, PACK, UNPACK, copy, dead_letters, read_json, write_batch

pytestmark = pytest.mark.sanitize

ROWS = [
    {"user": "plain", "n": 1, "x": 0.5, "ok": True, "t": "2026-01-02T03:04:05Z"},
    {"user": "comma, \"quote\"\nand line", "n": -2**63, "x": 1e300, "ok": False,
     "t": "1969-12-31T23:59:59.999Z"},
    {"user": "Côte d'Ivoire 日本 😀", "n": 2**63 - 1, "x": 0.1, "ok": None, "t": None},
    {"user": "", "n": 2**53 + 1, "x": None, "ok": True, "t": "2026-01-02T03:04:05.123456Z"},
    {"user": None, "n": None, "x": 5e-324, "ok": None, "t": None},
]

def as_csv(rows):
    out = io.StringIO(newline="")
    out.write(",".join(rows[0]) + "\r\n")
    for row in rows:
        cells = []
        for value in row.values():
            text = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
            quoted = isinstance(value, str) and (value == "" or any(c in value for c in ',"\n'))
            cells.append("" if text is None else
                         '"%s"' % text.replace('"', '""') if quoted else str(text))
        out.write(",".join(cells) + "\r\n")
    return out.getvalue().encode()


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
@pytest.mark.parametrize("format", ["json", "csv"])
def test_values_survive_every_format_and_compression(sluice, format, ending):
    text = as_csv(ROWS) if format == "csv" else \
        "".join(json.dumps(row, ensure_ascii=len(ending) == 3) + "\n" for row in ROWS).encode()
    sluice.write(f"in.{format}{ending}", PACK[ending](text))
    copy(sluice, f"in.{format}{ending}", f"middle.{format}{ending}", format, format)
    copy(sluice, f"middle.{format}{ending}", "out.json", format, "json")
    assert read_json(sluice.folder / "out.json") == ROWS
    assert dead_letters(sluice) == []
    packed = (sluice.folder / f"middle.{format}{ending}").read_bytes()
    if format == "csv":
        lines = UNPACK[ending](packed).decode()
        assert lines.startswith("user,n,x,ok,t\nplain,1,0.5,true,2026-01-02T03:04:05Z\n")
        assert lines.endswith("\n,,5e-324,,\n")


@pytest.mark.parametrize("lanes", [1, 2])
def test_globs_lists_and_several_members_are_read_once_each(sluice, lanes):
    for i in range(7):
        name = f"data/part-{i}.json" + ("", ".gz")[i % 2]
        parts = [f'{{"user":"u{i}","n":{k}}}\n'.encode() for k in range(10)]
        sluice.write(name, b"".join(map(gzip.compress, parts)) if i % 2 else b"".join(parts))
    sluice.write("data/empty.json", b"")
    sluice.write("data/empty.gz", b"")
    copy(sluice, '["data/part-[0-3]*", "data/*.json*", "data/empty.gz", data/part-0.json]', "out.json",
         schema="{user: string, n: int64}", lanes=lanes)
    rows = sorted((row["user"], row["n"]) for row in read_json(sluice.folder / "out.json"))
    assert rows == sorted((f"u{i}", k) for i in range(7) for k in range(10))


# Each: record, code of its rejection. One good line stands before and behind.
BAD_JSON = [
    (b'{"user":1}', "type_mismatch"),
    (b'{"user":"a","n":"1"}', "type_mismatch"),
    (b'{"user":"a","n":1.5}', "type_mismatch"),
    (b'{"user":"a","n":9223372036854775808}', "number_range"),
    (b'{"user":"a","n":-9223372036854775809}', "number_range"),
    (b'{"user":"a","x":1e999}', "number_range"),
    (b'{"n":1}', "field_missing"),
    (b'{"user":null}', "field_missing"),
    (b'{"user":"a","t":"tomorrow"}', "timestamp_invalid"),
    (b'{"user":"a","user":"a"}', "field_duplicate"),
    (b'["user"]', "json_not_object"),
    (b'{"user":"a"', "json_malformed"),
    (b'{"user":"a"}}', "json_malformed"),
    (b'{"user":"a","skipped":tru}', "json_malformed"),
    (b'{"user":"a","skipped":"\\q"}', "json_malformed"),
    (b'{"user":"nul \x00"}', "json_malformed"),
    (b'\x00', "json_malformed"),
    (b'{"user":"a","deep":' + b"[" * 5000 + b"]" * 5000 + b"}", "json_malformed"),
    (b'{"user":"\xff\xfe"}', "utf8_invalid"),
    (b'{"user":"a","skipped":"\xc3"}', "utf8_invalid"),
    (b'{"user":"' + b"x" * (1 << 20) + b'"}', "record_too_long"),
]
RECORD = "{user: string, %s}" % ", ".join(
    f"{name}: {{type: {type}, required: false}}" for name, type in
    [("n", "int64"), ("x", "float64"), ("t", "timestamp")])


def test_bad_json_lines_are_rejected_with_code_and_line(sluice):
    lines = [b'{"user":"first"}']
    for record, _ in BAD_JSON:
        lines += [b"", record, b'{"user":"good"}\r']
    sluice.write("in.json", b"\xef\xbb\xbf" + b"\n".join(lines))
    copy(sluice, "in.json", "out.json", "{json: {max_record_bytes: 512KiB}}", schema=RECORD)
    rows = read_json(sluice.folder / "out.json")
    assert [row["user"] for row in rows] == ["first"] + ["good"] * len(BAD_JSON)
    rejected = dead_letters(sluice)
    assert [(r["code"], r["position"]) for r in rejected] == \
        [(code, 3 * i + 3) for i, (_, code) in enumerate(BAD_JSON)]
    assert {r["origin"] for r in rejected} == {"in.json"}
    for letter, (record, code) in zip(rejected, BAD_JSON):
        if code not in ("record_too_long", "utf8_invalid"):
            assert letter["original"].encode() == record


def test_the_same_bad_lines_are_rejected_as_messages(sluice):
    lines = [b'{"user":"first"}'] + [record for record, _ in BAD_JSON] + [b'{"user":"last"}']
    sluice.write("in.json", b"\n".join(lines) + b"\n")
    sluice.write("files.yaml", """
pipeline: files
schemas: {record: %s}
flows:
  copy:
    every: 1h
    steps:
      - source-file: {path: in.json}
      - transform-parse: {format: {json: {max_record_bytes: 512KiB}}, schema: record}
      - sink-file: {path: out.json, format: json}
""" % RECORD)
    sluice.run_ok("run", "--once", "files.yaml")
    assert [row["user"] for row in read_json(sluice.folder / "out.json")] == ["first", "last"]
    rejected = sorted((r["position"], r["code"], r["step"]) for r in dead_letters(sluice))
    assert rejected == [(i + 2, code, "transform-parse") for i, (_, code) in enumerate(BAD_JSON)]


def expected_row(line):
    """What the rules make of one line, by Python's json: a row, or None for a reject."""
    def no_constant(name):
        raise ValueError(name)

    def no_duplicates(pairs):
        return [("object", None)] + pairs
    try:
        text = line.decode()
        value = json.loads(text, parse_constant=no_constant, object_pairs_hook=no_duplicates)
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates
    except (ValueError, RecursionError):
        return None
    if not (isinstance(value, list) and value and value[0] == ("object", None)):
        return None
    fields = value[1:]
    row = dict(fields)
    if any([key for key, _ in fields].count(name) > 1 for name in "siax"):
        return None
    if isinstance(row.get("a"), list) and row["a"][:1] == [("object", None)]:
        if [key for key, _ in row["a"]].count("b") > 1:
            return None
        deep = dict(row["a"]).get("b")
    else:
        deep = None
    if type(row.get("s")) is not str or not (deep is None or type(deep) is bool):
        return None
    if not (row.get("i") is None or type(row["i"]) is int and -2**63 <= row["i"] < 2**63):
        return None
    number = row.get("x")
    if not (number is None or type(number) in (int, float)):
        return None
    try:
        number = None if number is None else float(number)
    except OverflowError:
        return None
    return None if number in (float("inf"), float("-inf")) else \
        {"s": row["s"], "i": row.get("i"), "x": number, "deep": deep}


def random_line(rng):
    """Valid JSON by intent, of odd spacing, order and escapes; then often damaged."""
    def string(length=12):
        return "".join(rng.choice('abc é日😀 /{}[],:') for _ in range(rng.randrange(length))) + \
            rng.choice(["", "", "\\n", "\\u00e9", '\\"', "\\ud83d\\ude00", "\\\\", "\\/"])

    def value(depth=0):
        kind = rng.randrange(9 if depth < 3 else 6)
        if kind == 0:
            return '"%s"' % string()
        if kind in (1, 2):
            return rng.choice(["0", "-0", "12", "-7", "9007199254740993", "9223372036854775807",
                               "9223372036854775808", "1.5", "-0.25e2", "1E400", "1e-400", "123456789" * 5])
        if kind in (3, 4, 5):
            return ["true", "false", "null"][kind - 3]
        if kind == 6:
            return "[%s]" % ",".join(value(depth + 1) for _ in range(rng.randrange(4)))
        return "{%s}" % ",".join('"%s":%s' % (rng.choice("sixabz"), value(depth + 1))
                                 for _ in range(rng.randrange(4)))
    members = ['"s":"%s"' % string(40)]
    members += ['"i":%s' % rng.choice(["1", "-9223372036854775808", value()])] * (rng.random() < .6)
    members += ['"x":%s' % rng.choice(["0.1", "1e5", value()])] * (rng.random() < .6)
    members += ['"a":%s' % rng.choice(['{"b":true}', '{"c":[{}],"b":null}', value()])] * (rng.random() < .5)
    members += ['"%s":%s' % (rng.choice(["z", "\\u0073", "é", "long key of no use"]), value())] * (rng.random() < .5)
    rng.shuffle(members)
    space = rng.choice(["", "", " ", "\t "])
    line = bytearray(("{%s%s%s}" % (space, (space + "," + space).join(members), space)).encode())
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        at = rng.randrange(len(line))
        kind = rng.randrange(4)
        if kind == 0:
            line[at] = rng.choice(b'"{}[]:,0 eE+-.\\tfn\x00\xff\xc3\x80')
        elif kind == 1:
            del line[at:at + rng.randrange(1, 4)]
        elif kind == 2:
            line[at:at] = rng.choice([b'"', b"}", b",", b"0", b"\\", b"\xe2\x82", b"]"])
        else:
            line[at:at] = line[at // 2:at]
    return bytes(line).replace(b"\n", b"") or b"x"


@pytest.mark.parametrize("steps", ["""
      - source-file: {path: in.json, format: json, schema: record}""", """
      - source-file: {path: in.json}
      - transform-parse: {format: json, schema: record}"""], ids=["stream", "messages"])
def test_random_json_is_taken_and_refused_as_by_another_parser(sluice, steps):
    rng = random.Random(2718)
    lines = [b'{"s":"first"}'] + [random_line(rng) for _ in range(30000)]
    lines = [line for line in lines if line.strip(b" \t\r")]
    sluice.write("in.json", b"\n".join(lines) + b"\n")
    sluice.write("files.yaml", """
pipeline: files
settings: {lanes: 1}
schemas:
  record:
    s: string
    i: {type: int64, required: false}
    x: {type: float64, required: false}
    deep: {type: bool, path: a.b, required: false}
flows:
  copy:
    every: 1h
    steps:%s
      - sink-file: {path: out.json, format: json}
""" % steps)
    sluice.run_ok("run", "--once", "files.yaml")
    rejected = {letter["position"] for letter in dead_letters(sluice)}
    rows = iter(read_json(sluice.folder / "out.json"))
    accepted = 0
    for number, line in enumerate(lines, 1):
        want = expected_row(line)
        assert (number in rejected) == (want is None), (number, line)
        if want is not None:
            assert next(rows) == want, line
            accepted += 1
    assert next(rows, None) is None
    assert 5000 < accepted < 25000


def test_a_64_mib_line_costs_one_reject_and_little_memory(sluice):
    with open(sluice.folder / "in.json", "wb") as file:
        file.write(b'{"user":"a"}\n{"user":"')
        for _ in range(64):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n{"user":"b"}\n')
    sluice.write("files.yaml", (BATCH % dict(
        source="in.json", sink="out.json", format="json", sink_format="json", schema=RECORD,
        lanes=1)).replace("settings: {", "settings: {memory: 128MiB, "))
    sluice.run_ok("run", "--once", "files.yaml")
    assert [row["user"] for row in read_json(sluice.folder / "out.json")] == ["a", "b"]
    assert [(r["code"], r["position"]) for r in dead_letters(sluice)] == [("record_too_long", 2)]


BAD_CSV = (b"\xef\xbb\xbfuser,n,x\r\n"
           b"good,1,\r\n"            # 2
           b"short,1\r\n"            # 3
           b"long,1,2,3\r\n"         # 4
           b'qu"ote,1,\r\n'          # 5
           b'"closed"too,1,\r\n'     # 6
           b"number,one,\r\n"        # 7
           b"big,9223372036854775808,\r\n"  # 8
           b"bad\xff,1,\r\n"         # 9
           b"nul\x00,1,\r\n"         # 10
           b'"two\nlines",2,0.5\r\n'  # 11, 12
           b"\r\n"                   # 13
           b'"",3,\n'                # 14
           b'"never closed,4,\n'     # 15
           b"good,5,")               # 16


def test_bad_csv_records_are_rejected_with_code_and_line(sluice):
    sluice.write("in.csv", BAD_CSV)
    copy(sluice, "in.csv", "out.json", "csv",
         schema="{user: string, n: int64, x: {type: float64, required: false}}")
    assert [(r["user"], r["n"]) for r in read_json(sluice.folder / "out.json")] == \
        [("good", 1), ("two\nlines", 2), ("", 3), ("good", 5)]
    assert [(r["position"], r["code"]) for r in dead_letters(sluice)] == [
        (3, "csv_columns"), (4, "csv_columns"), (5, "csv_malformed"), (6, "csv_malformed"),
        (7, "type_mismatch"), (8, "number_range"), (9, "utf8_invalid"), (10, "csv_malformed"),
        (15, "csv_malformed")]


def test_random_csv_of_another_writer_is_read_and_written_alike(sluice):
    rng = random.Random(31)
    rows = [["".join(rng.choice('ab,"\n\r;é日 ') for _ in range(rng.randrange(30))) for _ in range(3)]
            for _ in range(20000)]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([["a", "b", "c"]] + rows)
    sluice.write("in.csv", text.getvalue().encode())
    for source, sink in (("in.csv", "middle.csv"), ("middle.csv", "out.csv")):
        copy(sluice, source, sink, "csv", "csv", schema="{a: string, b: string, c: string}")
    assert dead_letters(sluice) == []
    with open(sluice.folder / "out.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file, strict=True)) == [["a", "b", "c"]] + rows


def test_a_required_csv_column_that_is_not_there_rejects_its_rows(sluice):
    sluice.write("in.csv", b"user,m\na,1\nb,2\n")
    copy(sluice, "in.csv", "out.json", "csv",
         schema="{user: string, n: int64}")
    assert read_json(sluice.folder / "out.json") == []
    rejected = dead_letters(sluice)
    assert [r["code"] for r in rejected] == ["csv_columns"] * 2
    assert "`n`" in rejected[0]["reason"]


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_damaged_compressed_files_give_their_good_part_and_one_reject(sluice, ending):
    rng = random.Random(4)
    lines = "".join(json.dumps({"user": f"u{rng.random()}", "n": i}) + "\n" for i in range(50000))
    packed = PACK[ending](lines.encode())
    sluice.write(f"a{ending}", packed[:len(packed) * 2 // 3])
    sluice.write(f"b{ending}", b'{"user":"not compressed","n":1}\n')
    sluice.write(f"c{ending}", PACK[ending](b'{"user":"whole","n":1}\n'))
    copy(sluice, f"'*{ending}'", "out.json", schema="{user: string, n: int64}")
    rows = read_json(sluice.folder / "out.json")
    assert len(rows) > 10000 and rows[-1]["user"] == "whole"
    assert [row["n"] for row in rows[:-1]] == list(range(len(rows) - 1))
    rejected = dead_letters(sluice)
    assert [(r["code"], r["origin"]) for r in rejected] == \
        [("compression_corrupt", f"a{ending}"), ("compression_corrupt", f"b{ending}")]


def test_standard_input_to_standard_output(sluice):
    write_batch(sluice, "'-'", "'-'", sink_format="csv", schema="{user: string, n: int64}")
    for text in (b'{"user":"a","n":1}\n', gzip.compress(b'{"user":"a","n":1}\n')):
        outcome = sluice.run_ok("run", "--once", "files.yaml", input=text)
        assert outcome.stdout.startswith("user,n\na,1\n")


@pytest.mark.parametrize("path", ["nothing.json", "'no*.json'"])
def test_a_missing_file_is_a_clear_error(sluice, path):
    write_batch(sluice, path, "out.json")
    outcome = sluice.run("run", "--once", "files.yaml")
    assert outcome.code != 0
    expected = "no file matches `no*.json`" if "*" in path else "the file `nothing.json` does not exist"
    assert expected in outcome.stderr
    assert not (sluice.folder / "out.json").exists()


def test_a_batch_run_replaces_its_file_and_append_adds_to_it(sluice):
    sluice.write("in.json", b'{"user":"a"}\n')
    for _ in range(2):
        copy(sluice, "in.json", "out.csv", sink_format="csv", schema="{user: string}")
    assert (sluice.folder / "out.csv").read_text() == "user\na\n"
    write_batch(sluice, "in.json", "out.csv, mode: append", sink_format="csv",
                schema="{user: string}")
    sluice.run_ok("run", "--once", "files.yaml")
    assert (sluice.folder / "out.csv").read_text() == "user\na\na\n"
