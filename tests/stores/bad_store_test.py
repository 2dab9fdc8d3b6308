"""Stores that refuse, hang, throttle, cut short, answer nonsense or lie: a named error or the right rows, in time, after
few attempts, and nothing half written."""

import base64
import io
import random
import time
from urllib.parse import quote

import pyarrow as pa
import pytest
import requests
from places import Place, on, place_in

ROWS = 1000
QUERY_SECONDS = 6
OPTIONS = {"timeout": "2s", "max_retries": "2"}
ATTEMPTS_MAX = 3
SLACK_SECONDS = 15  # a loaded machine
ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}
LIMITS = f"limits: {{query_seconds: {QUERY_SECONDS}}}\n"


@pytest.fixture
def table(place):
    """Two commits by others, of ROWS rows in all."""
    for half in range(2):
        (place / "t").write_table(pa.table({"id": pa.array(range(half * ROWS // 2, (half + 1) * ROWS // 2), pa.int64()),
                                            "s": [f"{'x' * 50}{number}" for number in range(ROWS // 2)]}), mode="append")
    return place / "t"


@pytest.fixture
def server(place, proxy, table, start_server):
    return start_server({"cloud": place.config({**proxy.through(place.options), **OPTIONS})}, LIMITS)


def query(server, sql="SELECT sum(id) AS s, max(s) AS m, count(*) AS n FROM t"):
    return server.query(sql, "t", store="cloud")


RIGHT = [{"s": [ROWS * (ROWS - 1) // 2], "m": ["x" * 50 + "99"], "n": [ROWS]}]
DATA, LOG, ALL = r"/t/.*\.parquet$", r"/t/_delta_log/", ""
NONSENSE = {"kind": "status", "status": 200, "headers": {"Content-Type": "application/xml"}}
REGION = "<Error><Code>{}</Code><Message>m</Message><Region>eu-west-1</Region></Error>"
BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><ListBucketResult>&b;</ListBucketResult>'
STRANGE_LIST = ("<ListBucketResult><Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                "<ETag>e</ETag><Size>{}</Size></Contents></ListBucketResult>")
# What every request that matches gets, every time, and the reasons that are right for a read. None: the right rows.
FAULTS = {
    "hangs": ({"kind": "hang"}, ALL, {"STORE_TIMEOUT", "QUERY_TIMEOUT"}),
    "hangs with data": ({"kind": "hang", "method": "GET"}, DATA, {"STORE_TIMEOUT", "QUERY_TIMEOUT"}),
    "throttles with 429": ({"kind": "status", "status": 429, "applied": False}, ALL, {"STORE_THROTTLED"}),
    "throttles with 503": ({"kind": "status", "status": 503, "applied": False, "headers": {"Retry-After": "1"}}, ALL, {"STORE_THROTTLED"}),
    "wants patience": ({"kind": "status", "status": 503, "applied": False, "headers": {"Retry-After": "3600"}}, ALL, {"STORE_THROTTLED", "QUERY_TIMEOUT"}),
    "fails": ({"kind": "status", "status": 500}, ALL, {"STORE_FAILED"}),
    "fails with data": ({"kind": "status", "status": 500, "method": "GET"}, DATA, {"STORE_FAILED"}),
    "resets": ({"kind": "reset"}, ALL, {"STORE_CONNECTION"}),
    "truncates commits": ({"kind": "truncate", "method": "GET"}, LOG + r"\d+\.json", {"STORE_CONNECTION", "STORE_BAD_ANSWER"}),
    "truncates data": ({"kind": "truncate", "method": "GET"}, DATA, {"STORE_CONNECTION", "STORE_BAD_ANSWER"}),
    "answers HTML": ({**NONSENSE, "body": "<html><body>Welcome to the proxy</body></html>"}, r"^(?!.*(json|parquet)$)", {"STORE_BAD_ANSWER"}),
    "answers half a list": ({**NONSENSE, "body": "<ListBucketResult><Contents><Key>t/_del"}, r"^(?!.*(json|parquet)$)", {"STORE_BAD_ANSWER"}),
    "answers a bomb": ({**NONSENSE, "body": BOMB}, r"^(?!.*(json|parquet)$)", {"STORE_BAD_ANSWER", "TABLE_NOT_FOUND"}),
    "lists negative sizes": ({**NONSENSE, "body": STRANGE_LIST.format("t/_delta_log/00000000000000000000.json", -1)}, r"^(?!.*(json|parquet)$)", {"STORE_BAD_ANSWER"}),
    "lists what was not asked for": ({**NONSENSE, "body": STRANGE_LIST.format("../../etc/passwd", 1)}, r"^(?!.*(json|parquet)$)", {"STORE_BAD_ANSWER", "TABLE_NOT_FOUND"}),
    "sends the whole for a range": ({"kind": "whole_for_range", "method": "GET"}, DATA, {None, "STORE_BAD_ANSWER"}),
    "sends less than the range": ({"kind": "short_range", "method": "GET"}, DATA, {"STORE_BAD_ANSWER"}),
    "sends another range": ({"kind": "shifted_range", "method": "GET"}, DATA, {"STORE_BAD_ANSWER"}),
    "redirects to another region": ({"kind": "status", "status": 301, "headers": {"x-amz-bucket-region": "eu-west-1"}, "body": REGION.format("PermanentRedirect")},
                                    ALL, {"STORE_WRONG_REGION"}),
    "is of another region": ({"kind": "status", "status": 400, "body": REGION.format("AuthorizationHeaderMalformed")}, ALL, {"STORE_WRONG_REGION"}),
    "denies access": ({"kind": "status", "status": 403, "body": "<Error><Code>AccessDenied</Code></Error>"}, ALL, {"STORE_ACCESS_DENIED"}),
}


def attempts(proxy):
    """How often each request was sent."""
    counts = {}
    for each in proxy.requests():
        key = (each["method"], each["path"], each["query"], each["range"])
        counts[key] = counts.get(key, 0) + 1
    return counts


@on("moto")
@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_store_gets_a_name(place, proxy, table, server, name):
    fault, path, reasons = FAULTS[name]
    before = place.states()
    proxy.inject(path=path, **fault)
    for verb, call in {"query": lambda: query(server),
                       "append": lambda: requests.post(f"{server.api}/cloud/t", json={"record_batch_dict": {"id": [1]}}, timeout=60)}.items():
        if verb == "append" and path != ALL:
            continue
        proxy.forget()
        started = time.monotonic()
        answer = call()
        seconds = time.monotonic() - started
        assert seconds < QUERY_SECONDS + SLACK_SECONDS, f"{verb} took {seconds:.1f} s"
        assert max(attempts(proxy).values()) <= ATTEMPTS_MAX, attempts(proxy)
        if answer.status_code == 200:
            assert None in reasons and answer.json() == RIGHT, answer.text
        else:
            problem = answer.json()
            assert problem["reason"] in reasons, f"{verb}: {problem}"
            assert answer.status_code not in (401, 500), "a store's trouble is neither the client's nor a bug"
    proxy.heal()
    assert place.states() == before
    assert server.alive()
    deadline = time.monotonic() + 15
    while (answer := query(server)).status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert answer.json() == RIGHT, "it does not recover"


@on("moto", "gcs", "azurite")
@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503, "applied": False}, {"kind": "status", "status": 429, "applied": False},
                                   {"kind": "status", "status": 500}, {"kind": "reset"}, {"kind": "truncate"}], ids=repr)
def test_what_fails_once_is_tried_again(place, proxy, table, server, fault):
    for path in (LOG, DATA):
        proxy.inject(path=path, times=1, **fault)
    assert query(server).json() == RIGHT


@on("moto")
def test_a_range_that_lies_is_no_crash(place, proxy, table, server):
    """Other bytes under the right Content-Range cannot be told from a damaged file: any error will do."""
    proxy.inject("wrong_range", method="GET", path=DATA)
    answer = query(server)
    assert answer.status_code != 200 or answer.json() == RIGHT
    assert server.alive()


# An upload in parts: which of its requests fails, every time.
UPLOADS = {"a part": ("PUT", 0), "a later part": ("PUT", 1), "the last request": ("POST", 1)}


@on("moto", "gcs")
@pytest.mark.parametrize("name", UPLOADS)
def test_an_upload_that_breaks_leaves_nothing(place, proxy, table, server, name):
    method, skip = UPLOADS[name]
    before = place.states()
    noise = random.Random(0)
    big = pa.table({"id": pa.array(range(30), pa.int64()), "s": [noise.randbytes(500_000).hex() for _ in range(30)]})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, big.schema) as writer:
        writer.write_table(big)
    proxy.inject("status", status=500, applied=False, method=method, path=DATA, skip=skip)
    answer = requests.post(f"{server.api}/cloud/t", data=sink.getvalue(), timeout=60, headers=ARROW)
    assert (answer.status_code, answer.json()["reason"]) == (503, "STORE_FAILED"), answer.text
    assert [each for each in proxy.requests("DELETE", DATA) if "uploadId" in each["query"]], "the parts were not given up"
    proxy.heal()
    assert place.states() == before
    assert query(server).json() == RIGHT
    assert requests.post(f"{server.api}/cloud/t", data=sink.getvalue(), timeout=60, headers=ARROW).status_code == 200


WRONG_OPTIONS = {
    "a wrong secret": ("seaweedfs", {"AWS_SECRET_ACCESS_KEY": "wrong-secret"}),
    "an unknown key": ("seaweedfs", {"AWS_ACCESS_KEY_ID": "wrong-key"}),
    "a wrong account key": ("azurite", {"AZURE_STORAGE_ACCOUNT_KEY": base64.b64encode(b"wrong-key").decode()}),
}


@pytest.mark.parametrize("name", WRONG_OPTIONS)
def test_wrong_credentials(name, start_server):
    store, wrong = WRONG_OPTIONS[name]
    place = place_in(store)
    place.write("t/_delta_log/x", b"")
    server = start_server({"cloud": place.config({**place.options, **wrong, **OPTIONS})}, LIMITS)
    for answer in (requests.get(f"{server.api}/cloud", timeout=30), query(server),
                   requests.post(f"{server.api}/cloud", json={"table": "n", "schema": [{"name": "a", "type": "long"}]}, timeout=30)):
        assert answer.status_code == 502 and answer.json()["reason"] in ("STORE_CREDENTIALS", "STORE_ACCESS_DENIED"), answer.text
        assert not [value for value in wrong.values() if value in answer.text]
    assert place.paths() == ["t/_delta_log/x"]


@on("moto", "seaweedfs", "azurite", "gcs")
def test_no_such_bucket(place, start_server):
    absent = Place(place.url.replace("://yummy", "://absent"), place.options)
    server = start_server({"cloud": absent.config({**place.options, **OPTIONS})}, LIMITS)
    for answer in (requests.get(f"{server.api}/cloud", timeout=30), query(server)):
        assert (answer.status_code, answer.json()["reason"]) == (502, "BUCKET_NOT_FOUND"), answer.text
    assert server.alive()


NAMES = ["with space", "a#b", "a+b", "żółw 日本", "a&b=c"]
ROOTS = ["~'()!*,@$", "with space", "50%", "%41", "a#b", "a?b", "a+b", "żółw 日本"]


@on("moto", "seaweedfs", "azurite", "gcs")
def test_keys_with_any_characters(place, start_server):
    (place / "plain").write_table(pa.table({"id": pa.array([1, 2], pa.int64())}))
    objects = {path: (place / "plain").read(path) for path in (place / "plain").paths()}
    for root in ROOTS:
        for name in NAMES:
            for path, data in objects.items():
                place.write(f"{root}/{name}/{path}", data)
    server = start_server({f"s{number}": (place / quote(root)).config() for number, root in enumerate(ROOTS)})
    for number, root in enumerate(ROOTS):
        api = f"{server.api}/s{number}"
        assert sorted(requests.get(api, timeout=60).json()["tables"]) == sorted(NAMES), root
        for name in NAMES:
            quoted = name.replace('"', '""')
            answer = requests.get(f"{api}/{quote(name, safe='')}", params={"query": f'SELECT count(*) AS n FROM "{quoted}"'}, timeout=60)
            assert (answer.status_code, answer.json()) == (200, [{"n": [2]}]), (root, name, answer.text)
        created = requests.post(api, json={"table": "made", "schema": [{"name": "id", "type": "long"}]}, timeout=60)
        assert created.status_code == 200, created.text
        assert f"{root}/made/_delta_log/{0:020}.json" in place.paths()
