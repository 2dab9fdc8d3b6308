"""Three servers, many writers, a store of which two requests of a hundred go wrong: nothing is lost, nothing doubled."""

import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import requests
from fault_proxy import FaultProxy
from log_check import check_appends, replay
from places import on

SERVERS = 3
WHOLE = {"writers": 32, "commits": 100}
SMALL = {"writers": 8, "commits": 12}
CHANCE = 0.02  # of a request to go wrong, in one of these ways
FAULTS = [{"kind": "status", "status": 500}, {"kind": "status", "status": 503}, {"kind": "status", "status": 409},
          {"kind": "status", "status": 503, "applied": False, "headers": {"Retry-After": "1"}},
          {"kind": "status", "status": 429, "applied": False}, {"kind": "reset"}, {"kind": "reset", "applied": False},
          {"kind": "truncate"}, {"kind": "slow", "seconds": 0.3}, {"kind": "hang"}]


class Writers:
    """What each write was told."""

    def __init__(self, servers, writers, commits):
        self.servers = servers
        self.writers = writers
        self.commits = commits
        self.acknowledged = {}
        self.refused = set()
        self.unknown = {}
        self.words = Counter()

    def run(self, writer):
        choose = random.Random(writer)
        for commit in range(self.commits):
            number = writer * self.commits + commit
            server = choose.choice(self.servers)
            answer = requests.post(f"{server.api}/cloud/t", json={"record_batch_dict": {"id": [number]}}, timeout=300)
            if answer.status_code == 200:
                self.acknowledged[number] = answer.json()["version"]
                continue
            problem = answer.json()
            self.words[f"{answer.status_code} {problem.get('reason', problem['code'])}"] += 1
            if problem["code"] == "OutcomeUnknown":
                self.unknown[number] = (int(problem["version"]), problem["txn_id"])
            else:
                self.refused.add(number)


@on("moto", "gcs", "azurite")
def test_nothing_is_lost_and_nothing_doubled(place, start_server, capsys):
    size = SMALL if os.environ.get("YUMMY_TEST_SIZE") == "small" else WHOLE
    proxies = [FaultProxy(place.endpoint, seed=number) for number in range(SERVERS)]
    try:
        servers = [start_server({"cloud": place.config({**proxy.through(place.options), "timeout": "5s"})},
                                "server: {workers: 16}\nlimits: {queries: 32}\n", name=f"server{number}")
                   for number, proxy in enumerate(proxies)]
        created = requests.post(f"{servers[0].api}/cloud", timeout=60, json={
            "table": "t", "schema": [{"name": "id", "type": "long", "nullable": True}]})
        assert created.status_code == 200, created.text
        for proxy in proxies:
            for fault in FAULTS:
                proxy.inject(chance=CHANCE / len(FAULTS), **fault)
        writers = Writers(servers, **size)
        started = time.monotonic()
        with ThreadPoolExecutor(size["writers"]) as pool:
            for done in [pool.submit(writers.run, writer) for writer in range(size["writers"])]:
                done.result()
        seconds = time.monotonic() - started
        requests_made = [each for proxy in proxies for each in proxy.requests()]
        faults = Counter(each["fault"] for each in requests_made if each["fault"])
        for proxy in proxies:
            proxy.heal()
        versions = replay(place / "t")
        there = check_appends(versions, writers.acknowledged, writers.refused, writers.unknown)
        total = size["writers"] * size["commits"]
        with capsys.disabled():
            print(f"\n{place.name}: {total} commits by {size['writers']} writers in {seconds:.0f} s: {len(writers.acknowledged)} acknowledged, "
                  f"{len(writers.refused)} refused, {len(writers.unknown)} unknown ({there} of them there) {dict(writers.words)}; "
                  f"{len(requests_made)} requests, {sum(faults.values())} went wrong: {dict(faults)}")
        assert len(writers.acknowledged) + len(writers.refused) + len(writers.unknown) == total
        for server in servers:
            assert server.alive()
            rows = requests.get(f"{server.api}/cloud/t", timeout=120, params={
                "query": "SELECT count(*) AS n, count(DISTINCT id) AS d FROM t"}).json()
            assert rows == [{"n": [len(writers.acknowledged) + there], "d": [len(writers.acknowledged) + there]}]
        assert (place / "t").delta().to_pyarrow_table().num_rows == len(writers.acknowledged) + there
    finally:
        for proxy in proxies:
            proxy.close()
