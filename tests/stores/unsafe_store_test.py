"""A store that ignores the condition of a put: two writers would both win. It is read, and never written to."""

import pyarrow as pa
import requests
from places import on


@on("s3rver")
def test_it_is_read_and_refused_for_writing(place, start_server):
    (place / "t").write_table(pa.table({"id": pa.array([1, 2], pa.int64())}))
    before = place.states()
    server = start_server({"cloud": place.config()})
    assert server.rows("SELECT id FROM t ORDER BY id", "t", store="cloud") == [(1,), (2,)]
    rows = {"record_batch_dict": {"id": [3]}}
    for answer in (requests.post(f"{server.api}/cloud/t", json=rows, timeout=30), requests.put(f"{server.api}/cloud/t", json=rows, timeout=30),
                   requests.post(f"{server.api}/cloud", json={"table": "n", "schema": [{"name": "id", "type": "long"}]}, timeout=30)):
        problem = answer.json()
        assert (problem["code"], problem["reason"]) == ("Unsupported", "STORE_UNSAFE_FOR_WRITES"), problem
    assert place.states() == before, "something was left"
    assert server.alive()
    assert server.rows("SELECT count(*) FROM t", "t", store="cloud") == [(2,)]
