"""What a verb costs in requests, over the wire, beside what deltalake asks for the same."""

import pyarrow as pa
import pytest
import requests
from deltalake import DeltaTable, write_deltalake
from places import on

ROWS = pa.table({"id": pa.array(range(10), pa.int64())})
LOG = r"_delta_log"


class Asked:
    """The requests of a step, as "GET commit" and the like."""

    def __init__(self, proxy):
        proxy.forget()
        self.proxy = proxy

    def all(self):
        return [self.name(each) for each in self.proxy.requests()]

    @staticmethod
    def name(request):
        path = request["path"].rpartition("/")[2]
        if "prefix=" in (request["query"] or ""):
            return "LIST"
        if path == "_last_checkpoint":
            return f"{request['method']} hint"
        if path.startswith(".probe-"):
            return f"{request['method']} probe"
        if path.endswith((".checkpoint.parquet", ".crc")):
            return f"{request['method']} {path.partition('.')[2]}"
        return f"{request['method']} {'commit' if path.endswith('.json') else 'data'}"


@pytest.fixture
def table(place):
    """Version 105, with a checkpoint of deltalake's at version 99."""
    table = place / "t"
    for _ in range(106):
        table.write_table(ROWS, mode="append", configuration={"delta.checkpointInterval": "100"})
    assert table.delta().version() == 105
    return table


def deltalakes(table, proxy):
    """How many requests deltalake sends: to open the table, to refresh it when nothing is new, to append."""
    asked = Asked(proxy)
    opened = DeltaTable(table.url, storage_options=proxy.through(table.options))
    counts = [len(asked.all())]
    asked = Asked(proxy)
    opened.update_incremental()
    counts.append(len(asked.all()))
    asked = Asked(proxy)
    write_deltalake(opened, ROWS, mode="append")
    return [*counts, len(asked.all())]


@on("gcs", "moto")
def test_asks_less_than_deltalake(place, table, proxy, start_server):
    theirs = deltalakes(table, proxy)
    server = start_server({"local": place.config(proxy.through(place.options))})

    def details():
        answer = requests.get(f"{server.api}/local/t/details", timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    asked = Asked(proxy)
    assert details()["version"] == 106
    opened = asked.all()
    assert opened[:2] == ["GET hint", "LIST"]
    assert sorted(opened[2:]) == ["GET checkpoint.parquet", *["GET commit"] * 7]

    asked = Asked(proxy)
    assert details()["version"] == 106
    refreshed = asked.all()
    assert refreshed == ["LIST"]

    server.append("t", {"id": [1]})  # probes the store, where its host does not say enough
    asked = Asked(proxy)
    assert server.append("t", {"id": [2]}).json()["version"] == 108
    appended = asked.all()
    assert appended == ["LIST", "PUT data", "PUT commit"]

    ours = [len(opened), len(refreshed), len(appended)]
    print(f"{place.name}: requests to open, refresh, append: ours {ours}, deltalake's {theirs}")
    assert all(our < their for our, their in zip(ours, theirs)), (ours, theirs)
    assert table.delta().version() == 108


@on("gcs", "moto")
def test_a_repeated_query_asks_one_list(place, proxy, start_server):
    (place / "t").write_table(ROWS)
    server = start_server({"local": place.config(proxy.through(place.options))})
    query = "SELECT sum(id) AS sum FROM t WHERE id > 3"
    asked = Asked(proxy)
    assert server.columns(query, "t") == {"sum": [39]}
    assert asked.all() == ["GET hint", "LIST", "GET commit", "GET data"]
    asked = Asked(proxy)
    assert server.columns(query, "t") == {"sum": [39]}
    assert asked.all() == ["LIST"]
    (place / "t").write_table(ROWS, mode="append")
    asked = Asked(proxy)
    assert server.columns(query, "t") == {"sum": [78]}
    assert sorted(asked.all()) == ["GET commit", "GET data", "LIST"]  # the first file is still held


@on("gcs", "moto")
def test_opens_a_known_log_by_two_requests(place, table, proxy, start_server, tmp_path):
    stores = {"local": place.config(proxy.through(place.options))}
    cache = f"cache:\n  path: {tmp_path / 'cache'}\n"
    first = start_server(stores, extra=cache)
    assert first.columns("SELECT count(*) AS n FROM t", "t") == {"n": [1060]}
    first.stop()
    second = start_server(stores, extra=cache, name="second")
    asked = Asked(proxy)
    assert requests.get(f"{second.api}/local/t/details", timeout=60).json()["version"] == 105
    assert asked.all() == ["GET hint", "LIST"]
    # Made anew under the same names, nothing of it is taken from the cache.
    for path in table.paths():
        table.delete(path)
    table.write_table(ROWS)
    assert second.columns("SELECT count(*) AS n FROM t", "t") == {"n": [10]}


@on("gcs")
def test_what_hides_in_the_log_fills_no_page_of_a_list(place, proxy, start_server):
    """Hadoop keeps checksums of commits under such names."""
    table = place / "t"
    table.write_table(ROWS)
    for number in range(1000):
        table.write(f"_delta_log/.{number:020}.json.crc", b"crc")
    server = start_server({"local": place.config(proxy.through(place.options))})
    asked = Asked(proxy)
    assert requests.get(f"{server.api}/local/t/details", timeout=60).json()["version"] == 0
    assert asked.all() == ["GET hint", "LIST", "GET commit"]


@on("s3rver")
def test_refuses_to_write_to_a_store_that_overwrites(place, start_server):
    server = start_server({"local": place.config()})
    answer = requests.post(f"{server.api}/local", timeout=60,
                           json={"table": "t", "schema": [{"name": "id", "type": "long", "nullable": True}]})
    assert (answer.status_code, answer.json()["reason"]) == (501, "STORE_UNSAFE_FOR_WRITES"), answer.text
    assert place.paths() == []
