"""Bodies, schemas, times and SQL that are wrong: the named kind of error, and nothing written."""

import pytest
import requests

COLUMNS = {"id": ("long", False), "b": "byte", "i": "integer", "f": "double", "d": "decimal(10,2)", "day": "date", "t": "timestamp",
           "n": "timestamp_ntz", "bin": "binary", "s": "string"}


@pytest.fixture(scope="module")
def typed(server):
    server.create("typed", COLUMNS)
    return server


BODIES = {
    b"": (400, "INVALID_JSON"), b"{": (400, "INVALID_JSON"), b'{"record_batch_dict": {"id": [1]}} x': (400, "INVALID_JSON"),
    b"[" * 10000: (400, "JSON_TOO_DEEP"), b'{"record_batch_dict": {"id": [1], "id": [2]}}': (400, "DUPLICATE_KEY"),
    b'{"record_batch_dict": {"id": [NaN]}}': (400, "INVALID_JSON"), b'{"record_batch_dict": {"id": [1], "s": ["\xff"]}}': (400, "INVALID_UTF8"),
    b'{"record_batch_dict": {"id": [1], "s": ["\\ud800"]}}': (400, "INVALID_UTF8"), b"{}": (400, "ONE_OF_REQUIRED"),
    b'{"record_batch_dict": {"id": [1]}, "record_batch_list": []}': (400, "ONE_OF_REQUIRED"),
    b'{"record_batch_dict": {"id": [1, 2], "s": ["a"]}}': (400, "COLUMN_LENGTHS_DIFFER"),
    b'{"record_batch_dict": {"id": [1], "zz": [1]}}': (400, "SCHEMA_MISMATCH"), b'{"record_batch_dict": {"s": ["a"]}}': (400, "SCHEMA_MISMATCH"),
    b'{"record_batch_dict": {"id": [1, null]}}': (400, "SCHEMA_MISMATCH"), b'{"record_batch_dic": {"id": [1]}}': (400, None),
}
VALUES = [("id", "9223372036854775808"), ("b", "128"), ("f", "1e400"), ("i", '"abc"'), ("i", "1.5"), ("d", "123.456"), ("day", '"2024-02-30"'),
          ("t", '"2024-01-01T24:61:00Z"'), ("t", '"10000-01-01T00:00:00Z"'), ("n", '"2024-01-01T00:00:00Z"'), ("bin", '"*"'), ("bin", "[256]"), ("s", "5")]


@pytest.mark.parametrize("body", BODIES, ids=repr)
def test_bad_bodies(typed, body):
    check_refused(typed, body, *BODIES[body])


@pytest.mark.parametrize("column,value", VALUES)
def test_bad_values(typed, column, value):
    columns = {"id": "1", column: value}
    body = '{"record_batch_dict": {' + ", ".join(f'"{name}": [{text}]' for name, text in columns.items()) + "}}"
    problem = check_refused(typed, body.encode(), 400, None)
    assert (problem["column"], problem["row"]) == (column, 0)


def check_refused(server, body, status, reason):
    for method in ("POST", "PUT"):
        answer = requests.request(method, f"{server.api}/local/typed", data=body, headers={"Content-Type": "application/json"}, timeout=60)
        problem = answer.json()
        assert answer.status_code == status, problem
        assert reason is None or problem["reason"] == reason, problem
    assert requests.get(f"{server.api}/local/typed/details", timeout=60).json()["version"] == 0
    return problem


SCHEMAS = [
    ({"schema": [{"name": "a", "type": "intt"}]}, "INVALID_SCHEMA"), ({"schema": []}, "INVALID_SCHEMA"),
    ({"schema": [{"name": "a", "type": "long"}, {"name": "A", "type": "long"}]}, "INVALID_SCHEMA"),
    ({"schema": [{"name": "a,b", "type": "long"}]}, "INVALID_SCHEMA"),
    ({"schema": [{"name": f"c{i}", "type": "long"} for i in range(10001)]}, "INVALID_SCHEMA"),
    ({"schema": [{"name": "a", "type": "long"}], "partition_columns": ["zz"]}, "INVALID_PARTITION"),
    ({"schema": [{"name": "a", "type": "long"}], "partition_columns": ["a"]}, "INVALID_PARTITION"),
    ({"schema": [{"name": "a", "type": "long"}], "configuration": {"delta.appendOnly": "maybe"}}, "INVALID_TABLE_PROPERTY"),
    ({"schema": [{"name": "a", "type": "long"}], "configuration": {"delta.foo": "1"}}, "INVALID_TABLE_PROPERTY"),
    ({"schema": [{"name": "a", "type": "long"}], "configuration": {"delta.minWriterVersion": "99"}}, "INVALID_TABLE_PROPERTY"),
]


@pytest.mark.parametrize("body,reason", SCHEMAS)
def test_bad_tables(server, body, reason):
    answer = requests.post(f"{server.api}/local", json={"table": "never", **body}, timeout=60)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)
    assert "never" not in requests.get(f"{server.api}/local", timeout=60).json()["tables"]
    assert not (server.places["local"] / "never").paths()


def test_an_existing_table_is_a_conflict(server):
    server.create("twice", {"a": "long"})
    answer = requests.post(f"{server.api}/local", json={"table": "twice", "schema": [{"name": "a", "type": "long"}]}, timeout=60)
    assert (answer.status_code, answer.json()["reason"]) == (409, "TABLE_EXISTS")
    assert server.create("twice", {"a": "long"}, mode="ignore")["created"] is False


@pytest.mark.parametrize("parameters,status", [
    ({"tableVersion": "-1"}, 400), ({"tableVersion": "abc"}, 400), ({"tableVersion": "1e3"}, 400), ({"tableVersion": str(2**64)}, 400),
    ({"tableVersion": "7"}, 404), ({"tableVersion": "0", "tableDate": "2024-01-01"}, 400), ({"tableDate": "yesterday"}, 400),
    ({"tableDate": "1990-01-01"}, 404), ({"tableDate": "2100-01-01T00:00:00Z"}, 200), ({"table_version": "0"}, 200)])
def test_times(server, parameters, status):
    server.create("times", {"a": "long"}, mode="ignore")
    answer = requests.get(f"{server.api}/local/times/details", params=parameters, timeout=60)
    assert answer.status_code == status, answer.text
    assert requests.get(f"{server.api}/local/times", params={"query": "SELECT 1", **parameters}, timeout=60).status_code == status


SQL = {
    "": 400, ";": 400, "-- x": 400, "SELECT 1; SELECT 2": 400, "SELECT 'x": 400, "SELECT " + "(" * 10000 + "1" + ")" * 10000: 400,
    "SELECT zz FROM q": 400, "SELECT * FROM zz": 404, "SELECT zz(1)": 400, "SELECT * FROM '/etc/passwd'": 403,
    "SELECT * FROM read_csv('/etc/passwd')": 403, "SELECT (SELECT content FROM read_text('/etc/passwd'))": 403,
    "WITH x AS (SELECT * FROM glob('/*')) SELECT * FROM x": 403, "SELECT * FROM 's3://x/y'": 403, "SELECT * FROM parquet_metadata('x')": 403,
    "COPY q TO '/tmp/x'": 403, "ATTACH 'x.db'": 403, "ATTACH ':memory:' AS m": 403, "INSTALL httpfs": 403, "LOAD httpfs": 403, "SET threads = 1": 403,
    "PRAGMA version": 403, "CALL pragma_version()": 403, "SELECT getenv('HOME')": 403, "SELECT * FROM duckdb_settings()": 403,
    "SELECT * FROM duckdb_secrets()": 403, "DROP TABLE q": 400,
    "CREATE TABLE x AS SELECT 1": 400, "EXPLAIN ANALYZE DELETE FROM q": (400, 403),
}


@pytest.mark.parametrize("sql", SQL, ids=lambda sql: sql[:40])
def test_sql(server, sql):
    server.create("q", {"a": "long"}, mode="ignore")
    expected = SQL[sql] if isinstance(SQL[sql], tuple) else (SQL[sql],)
    assert requests.get(f"{server.api}/local/q", params={"query": sql}, timeout=60).status_code in expected
    assert server.query(sql).status_code in expected
    assert server.alive()


def test_limits_of_queries(start_server):
    server = start_server(extra="limits: {query_seconds: 1, memory_bytes: 200000000, sql_bytes: 1000}\n")
    assert server.query("SELECT count(*) FROM range(1000000000000) a, range(1000000) b").status_code == 504
    assert server.query("WITH RECURSIVE r AS (SELECT 1 i UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r").status_code in (503, 504)
    assert server.query("SELECT length(repeat('x', 10000000000))").status_code in (400, 503)
    assert server.query("SELECT '" + "x" * 1000 + "'").json()["reason"] == "SQL_TOO_LONG"
    assert server.query("SELECT 1").status_code == 200
