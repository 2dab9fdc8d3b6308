"""Replays the requests that were recorded of Yummy Delta 0.0.9, in their order.

A recorded success must be answered JSON-equal: each recorded key with an equal value, further keys are free, the
boundaries between batches are free. Anything else stands in differences.yaml with its reason and the status that is
right. A call that this server refuses, or that makes no commit, shifts the versions after it: `version_shift` says by
how many. The list of all differences is printed.
"""

import datetime
import decimal
import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
import requests
import yaml
from answers import concatenated

HERE = Path(__file__).parent
NOW = datetime.datetime(2024, 2, 29, 12, 0, 0, 123456)


def write_tables(store):
    """The tables that the recorded server had, as their recorded answers show them."""

    def write(name, columns, **options):
        (store / name).write_table(pa.table(columns), **options)

    for value in range(3):
        write("x_ver", {"v": pa.array([value], pa.int64())}, mode="append")
        if not store.is_local:
            time.sleep(1.1)  # stores tell whole seconds
    # Numbered commits of one moment would all be "the last at or before" it.
    for version in range(3) if store.is_local else ():
        moment = 1_700_000_000 + version * 10
        os.utime(f"{store.url}/x_ver/_delta_log/{version:020}.json", (moment, moment))
    write("x_big", {"v": pa.array(range(20000), pa.int64()), "s": [f"s{i}" for i in range(20000)]})
    write("x_empty", {"v": pa.array([], pa.int64())})
    write("x_nulls", {"i": pa.array([1, None, 3], pa.int64()), "s": ["a", None, "c"], "f": [1.5, None, 3.5]})
    write("x_decimal", {"d": pa.array([decimal.Decimal("1.25"), decimal.Decimal("-3.10")], pa.decimal128(10, 2))})
    write("x_date", {"d": pa.array([datetime.date(2024, 2, 29), datetime.date(1969, 12, 31)])})
    write("x_timestamp", {"t": pa.array([NOW], pa.timestamp("us", "UTC"))})
    write("x_timestamp_ntz", {"t": pa.array([NOW], pa.timestamp("us"))})
    write("x_struct", {"st": pa.array([{"a": 1, "b": "x"}], pa.struct([("a", pa.int64()), ("b", pa.string())]))})
    write("x_list", {"l": pa.array([[1, 2], []], pa.list_(pa.int64()))})
    write("x_map", {"m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))})
    write("x_binary", {"b": pa.array([b"\x00\x01\xff", b"abc"])})
    write("x_bool", {"b": [True, False]})
    write("x_floats", {"f": [float("nan"), float("inf"), -0.0, 1e300, 0.1]})
    write("x_ints", {"a": pa.array([127, -128], pa.int8()), "b": pa.array([32767, -32768], pa.int16()),
                     "c": pa.array([2**31 - 1, -2**31], pa.int32()), "d": pa.array([2**63 - 1, -2**63], pa.int64())})
    write("x_part", {"p": ["a", "b", None], "v": pa.array([1, 2, 3], pa.int64())}, partition_by=["p"])
    write("x_unicode", {"s": ["żółw", "日本", "\"quo\\te\"\n", ""]})
    write("x_case", {"Camel": pa.array([1], pa.int64()), "with space": pa.array([2], pa.int64())})
    for name in ("MixedCase", "dash-name", "nested/inner"):
        write(name, {"v": pa.array([1], pa.int64())})
    (store / "not_a_table").write("readme.txt", b"")


def body_bytes(request):
    body = request["body"]
    if cut := re.search(r"… \((\d+) bytes\)$", body):
        return grown_body(int(cut.group(1)))
    if "\ufffd" in body:
        return body.encode().replace("\ufffd\ufffd".encode(), b"\xff\xfe")
    return body.encode()


def grown_body(size):
    """A body of exactly `size` bytes like the recorded one, whose text was cut."""
    rows = {1_900_000: 63333, 2_100_000: 70000, 10_000_000: 333333}[size]
    body = json.dumps({"recordBatchDict": {"id": list(range(rows)), "name": ["n"] * rows, "v": [1.5] * rows}})
    assert len(body) <= size
    return body.encode() + b" " * (size - len(body))


def send(server, request, name):
    headers = dict(request["headers"])
    body = body_bytes(request)
    if "chunked" in name:
        body = iter([body[:10], body[10:]])
    try:
        return requests.request(request["method"], server.url + request["path"], data=body or None, headers=headers,
                                timeout=60)
    except requests.ConnectionError:
        return None


def contains(found, recorded):
    """True when `found` has every key of `recorded` with an equal value."""
    if isinstance(recorded, dict):
        return isinstance(found, dict) and all(key in found and contains(found[key], recorded[key]) for key in recorded)
    if isinstance(recorded, list):
        return isinstance(found, list) and len(found) == len(recorded) and all(map(contains, found, recorded))
    return found == recorded


def parse(text):
    """JSON values one after another."""
    values, decoder, at = [], json.JSONDecoder(), 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        values.append(value)
    return values


def is_batches(value):
    return isinstance(value, list) and all(isinstance(batch, dict) for batch in value)


def equal_success(answer, recorded, versions_behind):
    if isinstance(recorded, dict):  # a long body: its length and beginning were kept
        return answer.text.startswith(recorded["begins"][:100]) and sum(map(len, concatenated(
            parse(answer.text) if answer.text.startswith("{") else answer.json()).values())) == 20000
    if recorded == answer.text:
        return True
    try:
        expected, found = parse(recorded), parse(answer.text)
    except json.JSONDecodeError:
        return False
    for value in expected:
        if isinstance(value, dict) and "version" in value:
            value["version"] -= versions_behind
        for place in ([value] + value.get("stores", [])) if isinstance(value, dict) else []:
            place.pop("path", None)  # see `everywhere` in differences.yaml
    if all(map(is_batches, expected)) and all(map(is_batches, found)):
        found, expected = map(columns_of, (found, expected))
        return contains(found, expected) and (bool(expected) or not any(found.values()))
    return contains(found, expected)


def columns_of(values):
    return concatenated(batch for batches in values for batch in batches)


def append_concurrently(server, clients=8, appends=25):
    """What the record did between creating t_conc and counting its rows; the number of calls that were not answered 200."""

    def run(client):
        rows = range(client * appends, (client + 1) * appends)
        return sum(server.append("t_conc", {"id": [row], "c": [client]}).status_code != 200 for row in rows)

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(run, range(clients)))


def table_of(request):
    found = re.match(r"/api/1\.0/delta/[^/?]+/([^/?]+)", request["path"])
    return found.group(1) if found else None


@pytest.fixture(scope="module")
def differences():
    entries = yaml.safe_load((HERE / "differences.yaml").read_text())["calls"]
    return {entry["call"]: entry for entry in entries}


def test_answers_what_the_old_server_answered(start_server, shared, lake, differences, capsys):
    write_tables(lake)
    server = start_server()
    calls = json.loads((shared / "compat" / "yummy-delta-0.0.9.json").read_text())["calls"]
    behind = {}  # table: by how many versions ours is behind the recorded one
    failures, listed, used, equal = [], [], set(), 0
    for number, call in enumerate(calls):
        request, recorded = call["request"], call["response"]
        if call["name"].startswith("row count after the concurrent"):
            assert append_concurrently(server) == 0
        if not lake.is_local and "tableDate" in request["path"]:
            continue  # the recorded moments are those of commits whose times only local disk lets us set
        answer = send(server, request, call["name"])
        difference = differences.get(number)
        table = table_of(request)
        status = answer.status_code if answer is not None else None
        label = f"{number} {call['name']}"
        recorded_status = recorded["status"] if recorded else "dropped"
        if difference:
            used.add(number)
            assert difference["name"] == call["name"], f"differences.yaml names call {number} otherwise"
            behind[table] = behind.get(table, 0) + difference.get("version_shift", 0)
            listed.append(f"{label}: {recorded_status} -> {status}: {difference['reason']}")
            if status != difference["status"]:
                failures.append(f"{label}: expected {difference['status']}, got {status}: {answer and answer.text[:300]}")
            elif "answer" in difference and not equal_success(answer, json.dumps(difference["answer"]), 0):
                failures.append(f"{label}: expected {difference['answer']}, got {answer.text[:300]}")
        elif recorded and recorded["status"] == status != 200:
            pass  # the same refusal
        elif recorded and recorded["status"] == 200:
            if status == 200 and equal_success(answer, recorded["body"], behind.get(table, 0)):
                equal += 1
            else:
                failures.append(f"{label}: recorded {str(recorded['body'])[:200]}, got {status} {answer.text[:300] if answer is not None else ''}")
        else:
            failures.append(f"{label}: recorded {recorded_status}, got {status} "
                            f"{answer.text[:200] if answer is not None else ''}: not in differences.yaml")
    with capsys.disabled():
        print(f"\n{equal} recorded successes are answered equal; {len(listed)} differences:")
        print("\n".join(listed))
    assert not failures, f"{len(failures)} failures:\n" + "\n".join(failures)
    assert not lake.is_local or used == set(differences), f"never used: {set(differences) - used}"
    assert server.alive()
