"""The store commits, and the answer is lost: an acknowledged write is there once, a failed one never, an unknown one is
said to be unknown, with what it takes to find out."""

import os
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
import requests
from log_check import replay
from places import on

# A hang ends with the store client's time-out; the commit is then sent again. All else must take less on a busy machine.
TIMEOUT = {"timeout": "4s", "max_retries": "2"}
CASES_AT_ONCE = 16
SERVER = "server: {workers: 32}\nlimits: {queries: 32}\n"
SCHEMA = [{"name": "id", "type": "long", "nullable": True}]

VERBS = {
    "append": lambda api, table: requests.post(f"{api}/{table}", json={"record_batch_dict": {"id": [7]}}, timeout=200),
    "overwrite": lambda api, table: requests.put(f"{api}/{table}", json={"record_batch_dict": {"id": [7]}}, timeout=200),
    "create": lambda api, table: requests.post(api, json={"table": table, "schema": SCHEMA}, timeout=200),
}
FAULTS = {
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "409": {"kind": "status", "status": 409},
    "reset": {"kind": "reset"},
    "hang": {"kind": "hang"},
    "truncated": {"kind": "truncate"},
}
# How often, and of which requests of the commit's path, the answer is lost; whether the server can learn what happened.
TIMES = {
    "once": ({"times": 1, "method": "PUT"}, True),
    "at every attempt": ({"method": "PUT"}, True),
    "at every attempt, and of every read": ({}, False),
}


def prepare(place, verb, table):
    """The table as it is before; returns how many versions it has."""
    if verb == "create":
        return 0
    for _ in range(2):
        (place / table).write_table(pa.table({"id": pa.array([1], pa.int64())}), mode="append")
    return 2


def judge(answer, place, before, verb):
    """What is right or wrong about an answer, given what is in the log: (right, one word for it)."""
    versions = replay(place)
    made = versions[before:]
    expected_ids = [] if verb == "create" else [7]
    if answer.status_code == 200:
        whole = len(made) == 1 and made[0].ids == expected_ids and (verb != "overwrite" or made[0].removes == 2)
        return whole, "committed" if whole else f"acknowledged, {len(made)} versions"
    problem = answer.json()
    if problem["code"] == "OutcomeUnknown":
        told = problem.get("reason") == "COMMIT_STATE_UNKNOWN" and int(problem["version"]) == before
        ours = [version.number for version in versions if version.txn_id == problem["txn_id"]]
        return told and len(made) <= 1 and ours in ([], [before]), f"unknown, {'there' if ours else 'not there'}"
    return not made, f"failed: {problem.get('reason', problem['code'])}{', but committed' if made else ''}"


@on("moto", "azurite", "gcs", "seaweedfs")
def test_no_write_is_wrong_when_its_answer_is_lost(place, proxy, start_server, capsys):
    server = start_server({"cloud": place.config({**proxy.through(place.options), **TIMEOUT})}, SERVER)
    whole = os.environ.get("YUMMY_TEST_SIZE") != "small"
    cases = [(verb, fault, times) for verb in VERBS for fault in FAULTS for times in TIMES
             if whole or TIMES[times][1] or (verb, fault, place.name) == ("append", "500", "gcs")]

    tables = {case: f"t{number}" for number, case in enumerate(cases)}

    def run(case):
        verb, fault, times = case
        table = tables[case]
        before = prepare(place, verb, table)
        proxy.inject(path=rf"/{table}/_delta_log/{before:020}\.json$", **TIMES[times][0], **FAULTS[fault])
        answer = VERBS[verb](f"{server.api}/cloud", table)
        right, word = judge(answer, place / table, before, verb)
        lost = len([each for each in proxy.requests(path=f"/{table}/") if each["fault"]])
        if TIMES[times][1]:
            right = right and word == "committed"
        else:
            right = right and word == "unknown, there"
        return right and lost > 0, word, lost

    with ThreadPoolExecutor(CASES_AT_ONCE) as pool:
        results = dict(zip(cases, pool.map(run, cases)))
    with capsys.disabled():
        print(f"\n{place.name}: verb, answer lost as, when: result (answers lost)")
        for case, (right, word, lost) in results.items():
            print(f"  {'ok   ' if right else 'WRONG'} {', '.join(case)}: {word} ({lost})")
    assert not [case for case, (right, _, _) in results.items() if not right]
    # The store is well again, and so is every table.
    proxy.heal()
    for table in tables.values():
        versions = len(replay(place / table))
        answer = requests.post(f"{server.api}/cloud/{table}", json={"record_batch_dict": {"id": [8]}}, timeout=60)
        assert (answer.status_code, answer.json().get("version")) == (200, versions), answer.text


@on("moto", "azurite", "gcs")
@pytest.mark.parametrize("verb", VERBS)
def test_a_refusal_before_the_commit_is_tried_again(place, proxy, start_server, verb):
    server = start_server({"cloud": place.config({**proxy.through(place.options), **TIMEOUT})})
    before = prepare(place, verb, "t")
    proxy.inject("status", status=503, applied=False, times=1, method="PUT", path=rf"/t/_delta_log/{before:020}\.json$")
    answer = VERBS[verb](f"{server.api}/cloud", "t")
    assert judge(answer, place / "t", before, verb) == (True, "committed")
