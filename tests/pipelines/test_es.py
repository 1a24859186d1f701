"""sink-es on a real search server, and behind one that fails on demand.

The independent client is opensearch-py; faults come from harness/fault_server.py."""

import gzip
import json

import pytest
from opensearchpy import OpenSearch

from harness import certificates
from harness.fault_server import (Answer, FaultProxy, FaultServer, altered, answer, delayed,
                                  dropped, lost, oversized, passed, truncated)
from harness.sluice import PATIENCE, eventually

PIPELINE = """
pipeline: es
settings: {{state: state, checkpoint: 100ms}}
schemas:
  page: {{url: string, country: string, clicks: int64,
         average: {{type: float64, required: false}}, seen: timestamp, ok: bool}}
flows:
  index:
    {trigger}
    steps:
      - source-file: {{path: pages.json, format: json, schema: page}}
      - sink-es: {{url: {url}, index: {index}, {options}}}
"""

COUNTRIES = ["de", "fr", "Österreich", "côte d'ivoire", 'a "quoted", one']


def page(number, **changes):
    return {"url": f"/page/{number}", "country": COUNTRIES[number % len(COUNTRIES)],
            "clicks": 2**53 + number, "average": number / 7 if number % 3 else None,
            "seen": f"2026-01-02T03:04:{number % 60:02d}.{number % 999 + 1:03d}Z",
            "ok": number % 2 == 0} | changes


def pages(count, **changes):
    return [page(number, **changes) for number in range(count)]


class Case:
    """One index, one pipeline on it."""

    def __init__(self, sluice, search):
        self.sluice, self.search = sluice, search
        self.index = search.new_index_name()
        self.client = OpenSearch(search.url)
        self.url = search.url
        self.options = "id: [url, country]"
        self.trigger = "every: 1h"

    def write(self, rows):
        self.sluice.write("pages.json", "".join(json.dumps(row) + "\n" for row in rows))

    def pipeline(self):
        self.sluice.write("es.yaml", PIPELINE.format(url=self.url, index=self.index,
                                                     options=self.options,
                                                     trigger=self.trigger))
        return "es.yaml"

    def run(self, **keywords):
        return self.sluice.run("run", "--once", self.pipeline(), **keywords)

    def run_ok(self):
        outcome = self.run()
        assert outcome.code == 0, outcome
        return outcome

    def found(self, index=None):
        """Sources by url; the index is not refreshed here: a committed run can be searched."""
        answered = self.client.search(index=index or self.index, size=10000,
                                      body={"query": {"match_all": {}}})
        hits = answered["hits"]["hits"]
        assert len({hit["_id"] for hit in hits}) == len(hits)
        return {hit["_source"]["url"]: hit["_source"] for hit in hits}

    def dead_letters(self):
        lines = []
        for path in self.sluice.folder.glob("state/**/*.ndjson"):
            lines += [json.loads(line) for line in path.read_text().splitlines()]
        return lines


@pytest.fixture
def case(sluice, search):
    return Case(sluice, search)


@pytest.fixture
def faults(case):
    server = FaultServer(upstream=case.search.url)
    case.url = server.url
    yield server
    server.stop()


def by_url(rows):
    return {row["url"]: row for row in rows}


# ---- contents ----


@pytest.mark.sanitize
def test_rows_become_documents_with_typed_fields(case):
    case.options = "id: [url, country], bulk_rows: 300, in_flight: 3"
    case.write(pages(2000))
    case.run_ok()
    found = case.found()
    assert found == by_url(pages(2000))
    properties = case.client.indices.get_mapping(index=case.index)[case.index]["mappings"]
    assert {name: field["type"] for name, field in properties["properties"].items()} == {
        "url": "keyword", "country": "keyword", "clicks": "long", "average": "double",
        "seen": "date", "ok": "boolean"}


def test_a_second_run_replaces_and_adds_nothing(case):
    case.write(pages(300))
    case.run_ok()
    case.write(pages(300, clicks=7))
    case.run_ok()
    assert case.found() == by_url(pages(300, clicks=7))


def test_the_last_row_of_an_id_wins_within_a_run(case):
    case.options = "id: [url], bulk_rows: 10, in_flight: 4"
    case.write([page(number % 25, clicks=number) for number in range(1000)])
    case.run_ok()
    found = case.found()
    assert len(found) == 25
    assert all(found[f"/page/{number}"]["clicks"] == 975 + number for number in range(25))


def test_gzip_requests_hold_the_same_documents(case, faults):
    case.options = "id: [url], gzip: true"
    case.write(pages(500))
    case.run_ok()
    assert case.found() == by_url(pages(500))
    requests = faults.requests("POST", "/_bulk")
    assert all(request.headers["Content-Encoding"] == "gzip" for request in requests)
    assert sum(gzip.decompress(request.body).count(b"\n") for request in requests) == 1000


def test_a_template_of_index_names_gets_an_index_template(case):
    stem = case.index
    case.index = f"\"{stem}-{{seen:%Y}}-{{clicks}}\""
    case.options = "id: [url], shards: 2, replicas: 0"
    case.write([page(1, clicks=1), page(2, clicks=2, seen="2027-01-01T00:00:00Z")])
    case.run_ok()
    assert set(case.found(f"{stem}-2026-1")) == {"/page/1"}
    assert set(case.found(f"{stem}-2027-2")) == {"/page/2"}
    settings = case.client.indices.get(index=f"{stem}-2026-1")[f"{stem}-2026-1"]
    assert settings["settings"]["index"]["number_of_shards"] == "2"
    assert settings["mappings"]["properties"]["url"]["type"] == "keyword"


def test_an_index_name_that_is_not_allowed_rejects_its_row(case):
    stem = case.index
    case.index = f"\"{stem}-{{country}}\""
    case.options = "id: [url]"
    case.write([page(0), page(1), page(2, country="Not Allowed")])
    case.run_ok()
    assert set(case.found(f"{stem}-*")) == {"/page/0", "/page/1"}
    letters = case.dead_letters()
    assert [letter["code"] for letter in letters] == ["key_unsafe"]


def test_the_embedded_index_holds_the_same_documents(case):
    case.write(pages(700))
    case.run_ok()
    case.url = "file:embedded"
    case.run_ok()
    case.run_ok()
    lines = (case.sluice.folder / "embedded" / f"{case.index}.ndjson").read_text().splitlines()
    documents = {line.pop("_id"): line for line in map(json.loads, lines)}
    assert documents == case.search.documents(case.index)


# ---- actions and versions ----


def test_create_leaves_documents_that_are_there(case):
    case.options = "id: [url], action: create"
    case.write(pages(50))
    case.run_ok()
    case.write(pages(60, clicks=0))
    case.run_ok()
    assert case.found() == by_url(pages(50) + pages(60, clicks=0)[50:])
    assert case.dead_letters() == []


def test_update_merges_fields_into_the_document(case):
    case.options = "id_template: \"{url}\", action: update"
    case.client.index(index=case.index, id="/page/1", body={"mine": 1, "clicks": 5})
    case.write(pages(3))
    case.run_ok()
    assert case.client.get(index=case.index, id="/page/1")["_source"] == page(1) | {"mine": 1}
    assert len(case.found()) == 3


def test_a_newer_version_in_the_index_stops_the_run_with_the_servers_reason(case):
    case.options = "id_template: \"{url}\""
    case.client.index(index=case.index, id="/page/1", body={"clicks": 1}, version=2**60,
                      version_type="external_gte")
    case.write(pages(3))
    outcome = case.run()
    assert outcome.code == 1, outcome
    assert "version_conflict" in outcome.stderr and str(2**60) in outcome.stderr
    assert case.client.get(index=case.index, id="/page/1")["_source"] == {"clicks": 1}


def test_with_a_version_column_the_highest_version_wins(case):
    case.options = "id: [url], version: clicks"
    case.write([page(1, clicks=5), page(2, clicks=9), page(1, clicks=3), page(2, clicks=10)])
    case.run_ok()
    case.run_ok()
    assert {url: row["clicks"] for url, row in case.found().items()} == {"/page/1": 5, "/page/2": 10}


# ---- rejects ----


@pytest.mark.sanitize
def test_a_refused_document_is_in_the_dead_letter_with_the_servers_reason(case):
    case.options = "id: [url], mapping: none"
    case.client.indices.create(index=case.index, body={"mappings": {"properties": {
        "country": {"type": "integer"}}}})
    case.write([page(1, country="1"), page(2, country="no number"), page(3, country="3")])
    outcome = case.run_ok()
    assert set(case.found()) == {"/page/1", "/page/3"}
    letters = case.dead_letters()
    assert len(letters) == 1, (letters, outcome)
    assert letters[0]["code"] == "document_rejected"
    assert "failed to parse field [country]" in letters[0]["reason"]
    assert json.loads(letters[0]["original"])["url"] == "/page/2"


# ---- faults ----


@pytest.mark.sanitize
@pytest.mark.parametrize("fault", [
    answer(429, {"error": "slow down"}, {"Retry-After": "0"}), answer(503), answer(500),
    answer(408), dropped(), lost(), truncated(20), oversized(100000), delayed(0.2),
    altered(lambda whole: Answer(200, whole.body[:-10], whole.headers)),
    altered(lambda whole: Answer(200, "<html>", whole.headers)),
], ids=["429", "503", "500", "408", "dropped", "lost", "truncated", "oversized", "delayed",
        "half a JSON", "no JSON"])
def test_a_fault_costs_no_document_and_makes_none_twice(case, faults, fault):
    case.options = "id: [url], bulk_rows: 100"
    faults.on("POST", "/_bulk", fault, fault, fault)
    case.write(pages(500))
    case.run_ok()
    assert case.found() == by_url(pages(500))
    assert case.dead_letters() == []


def test_a_refresh_that_fails_is_done_again(case, faults):
    faults.on("POST", "/_refresh", answer(503), lost(), truncated(1))
    case.write(pages(10))
    case.run_ok()
    assert len(case.found()) == 10
    assert len(faults.requests("POST", "/_bulk")) == 1


def put_off_every_third(whole):
    body = json.loads(whole.body)
    for item in body["items"][::3]:
        item["index"] = {"status": 429, "error": {"type": "es_rejected_execution_exception",
                                                  "reason": "queue is full"}}
    body["errors"] = True
    return Answer(200, body, {"Content-Type": "application/json"})


def test_only_items_that_were_put_off_are_sent_again(case, faults):
    case.options = "id: [url], bulk_rows: 90, in_flight: 1"
    faults.on("POST", "/_bulk", altered(put_off_every_third), altered(put_off_every_third))
    case.write(pages(90))
    case.run_ok()
    assert case.found() == by_url(pages(90))
    rows = [request.body.count(b"\n") // 2 for request in faults.requests("POST", "/_bulk")]
    assert rows == [90, 30, 10]


@pytest.mark.parametrize("status, code", [(401, "auth_failed"), (403, "permission_denied")])
def test_wrong_credentials_stop_the_flow_and_commit_nothing(case, faults, status, code):
    case.options = "id: [url], user: aladdin, password: sesame, bulk_rows: 10"
    refusal = {"error": {"type": "security_exception", "reason": "not with this password"}}
    faults.always("POST", "/_bulk", answer(status, refusal))
    case.write(pages(100))
    outcome = case.run()
    assert outcome.code != 0
    assert code in outcome.stderr and "not with this password" in outcome.stderr
    assert "sesame" not in outcome.stderr + outcome.stdout
    assert case.dead_letters() == []
    assert "committed" not in outcome.stderr
    assert faults.requests("POST", "/_bulk")[0].headers["Authorization"] == \
        "Basic YWxhZGRpbjpzZXNhbWU="


def test_one_item_without_permission_stops_the_flow(case, faults):
    def deny_one(whole):
        body = json.loads(whole.body)
        body["items"][1]["index"] = {"status": 403, "error": {"type": "security_exception",
                                                              "reason": "no permissions for x"}}
        return Answer(200, body)
    faults.always("POST", "/_bulk", altered(deny_one))
    case.write(pages(10))
    outcome = case.run()
    assert outcome.code != 0 and "permission_denied" in outcome.stderr
    assert "no permissions for x" in outcome.stderr


def test_a_server_that_is_down_at_the_start_is_waited_for(case):
    proxy = FaultProxy(case.search.port)
    proxy.refuse()
    case.url = f"http://127.0.0.1:{proxy.port}"
    case.write(pages(100))
    process = case.sluice.start("run", "--once", case.pipeline())
    eventually(lambda: "cannot connect to 127.0.0.1" in case.sluice.log(), what="the complaint")
    proxy.accept()
    assert process.wait(PATIENCE) == 0, case.sluice.log()
    assert case.found() == by_url(pages(100))
    proxy.stop()


def test_a_server_that_goes_away_in_the_middle_is_waited_for(case):
    proxy = FaultProxy(case.search.port)
    case.url = f"http://127.0.0.1:{proxy.port}"
    case.options = "id: [url, country], bulk_rows: 50, in_flight: 1"
    case.write(pages(5000))
    process = case.sluice.start("run", "--once", case.pipeline())
    eventually(lambda: case.client.indices.exists(index=case.index), what="the index")
    proxy.refuse()
    eventually(lambda: "127.0.0.1" in case.sluice.log(), what="the complaint")
    proxy.accept()
    assert process.wait(PATIENCE) == 0, case.sluice.log()
    assert len(case.found()) == 5000
    proxy.stop()


def test_a_server_that_says_nothing_is_given_up_after_request_timeout(case):
    proxy = FaultProxy(case.search.port)
    proxy.stall()
    case.url = f"http://127.0.0.1:{proxy.port}"
    case.options = "id: [url], request_timeout: 300ms"
    case.write(pages(10))
    process = case.sluice.start("run", "--once", case.pipeline())
    eventually(lambda: "request_timeout" in case.sluice.log(), what="the complaint")
    proxy.flow()
    assert process.wait(PATIENCE) == 0, case.sluice.log()
    assert len(case.found()) == 10
    proxy.stop()


def test_of_two_servers_the_one_that_answers_gets_the_documents(case):
    proxy = FaultProxy(case.search.port)
    proxy.refuse()
    case.url = f"[\"http://127.0.0.1:{proxy.port}\", \"{case.search.url}\"]"
    case.write(pages(200))
    case.run_ok()
    assert case.found() == by_url(pages(200))


def test_a_missing_ingest_pipeline_stops_the_flow(case):
    case.options = "id: [url], pipeline: not there"
    case.write(pages(10))
    outcome = case.run()
    assert outcome.code != 0 and "[not there] does not exist" in outcome.stderr
    assert case.dead_letters() == []


def test_the_dead_letter_can_be_an_index(case):
    case.trigger = (f"every: 1h\n    dead_letter: {{sink-es: {{url: \"{case.url}\", "
                    f"index: {case.index}-rejected, id: [origin, position]}}}}")
    case.options = "id: [url]"
    case.write([page(1), page(2, clicks="many"), page(3)])
    case.run_ok()
    case.run_ok()
    assert set(case.found()) == {"/page/1", "/page/3"}
    letters = case.search.documents(f"{case.index}-rejected").values()
    assert [letter["code"] for letter in letters] == ["type_mismatch"]


# ---- crashes ----


def test_a_killed_run_is_run_again_and_replaces_what_it_wrote(case, faults):
    case.options = "id: [url], bulk_rows: 100, in_flight: 1"
    case.write(pages(2000))
    faults.on("POST", "/_bulk", passed(), passed(), delayed(30))
    process = case.sluice.start("run", "--once", case.pipeline())
    eventually(lambda: len(faults.requests("POST", "/_bulk")) == 3, what="three requests")
    case.sluice.kill(process)
    case.search.refresh(case.index)
    assert len(case.found()) == 200
    case.run_ok()
    assert case.found() == by_url(pages(2000))


def test_a_killed_continuous_flow_goes_on_from_its_checkpoint(case, faults):
    case.options = "id: [url], bulk_rows: 100, bulk_age: 50ms, in_flight: 2"
    case.write(pages(3000))
    case.trigger = ""
    faults.on("POST", "/_bulk", *[delayed(0.05)] * 12, delayed(30), delayed(30))
    process = case.sluice.start("run", "--once", case.pipeline())
    eventually(lambda: len(faults.requests("POST", "/_bulk")) >= 14, what="fourteen requests")
    case.sluice.kill(process)
    case.run_ok()
    assert case.found() == by_url(pages(3000))
    assert b"version" not in b"".join(request.body for request in faults.requests("POST", "_bulk"))


# ---- TLS and mistakes ----


def test_an_unknown_authority_is_refused_and_a_known_one_accepted(case, tmp_path):
    authority = certificates.make_authority(tmp_path, "known")
    certificates.make_leaf(tmp_path, "known", "server")
    server = FaultServer(case.search.url, certificate=(tmp_path / "server.pem",
                                                       tmp_path / "server.key"))
    case.url = server.url
    case.write(pages(5))
    outcome = case.run()
    assert outcome.code != 0 and "tls_failed" in outcome.stderr and "tls_ca" in outcome.stderr
    case.options = f"id: [url], tls_ca: {authority}"
    case.run_ok()
    assert len(case.found()) == 5
    server.stop()


@pytest.mark.parametrize("url, word", [
    ("http://aladdin:sesame@localhost:9200", "`user`"), ("localhost:9200", "http://"),
    ("ftp://localhost", "http://"), ("[\"file:a\", \"http://b\"]", "alone")])
def test_a_wrong_url_is_explained(sluice, url, word):
    sluice.write("pages.json", json.dumps(page(1)) + "\n")
    sluice.write("es.yaml", PIPELINE.format(url=url, index="pages", options="id: [url]",
                                           trigger="every: 1h"))
    outcome = sluice.run("run", "--once", "es.yaml")
    assert outcome.code != 0
    assert word in outcome.stderr and "sesame" not in outcome.stderr


@pytest.mark.parametrize("options, option", [
    ("id: [url], version: country", "version"), ("id: [url], id_template: \"{url}\"", "id_template"),
    ("action: update", "action"), ("id: [url], action: create, version: clicks", "version"),
    ("id: [url], api_key: a, bearer: b", "api_key")])
def test_options_that_do_not_go_together_are_found_by_check(sluice, options, option):
    sluice.write("es.yaml", PIPELINE.format(url="http://x", index="pages", options=options,
                                           trigger="every: 1h"))
    outcome = sluice.run("check", "es.yaml")
    assert outcome.code == 78
    assert f"{option}:" in outcome.stderr + outcome.stdout


def test_check_warns_that_without_an_id_rows_can_come_twice(sluice):
    sluice.write("es.yaml", PIPELINE.format(url="http://x", index="pages",
                                           options="gzip: true", trigger="every: 1h"))
    outcome = sluice.run("check", "es.yaml")
    assert outcome.code == 0, outcome
    assert "at-least-once" in outcome.stderr + outcome.stdout


# ---- other servers ----


@pytest.mark.full
@pytest.mark.parametrize("engine", ["elasticsearch", "opensearch3"])
def test_other_engines_take_the_same_documents(sluice, request, engine):
    server = request.getfixturevalue(engine)
    case = Case(sluice, server)
    case.write(pages(500))
    case.run_ok()
    case.write(pages(500, clicks=7))
    case.run_ok()
    documents = server.documents(case.index)
    assert by_url(documents.values()) == by_url(pages(500, clicks=7))
    assert len(documents) == 500
