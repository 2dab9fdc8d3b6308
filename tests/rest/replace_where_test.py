"""PUT with replace_where: whole partitions are replaced in one version, the rest stays."""

import json

import pytest
import requests


def put(server, table, rows, **parameters):
    return requests.put(f"{server.api}/local/{table}", params=parameters, json={"record_batch_list": rows}, timeout=60)


@pytest.fixture
def table(server, request):
    name = f"t{abs(hash(request.node.name))}"
    server.create(name, {"id": "long", "day": "date", "kind": "string"}, partition_columns=["day", "kind"])
    server.append(name, [{"id": i, "day": f"2024-01-0{i}", "kind": "a"} for i in range(1, 5)] + [{"id": 9, "day": "2024-01-02", "kind": None}])
    return name


def test_replaces_partitions_and_keeps_the_others(server, table):
    answer = put(server, table, [{"id": 20, "day": "2024-01-02", "kind": "a"}], replace_where="day >= DATE '2024-01-02' AND kind = 'a'")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"table": table, "version": 2, "rows": 1, "committed": True}
    assert server.rows(f"SELECT id FROM {table} ORDER BY id", table) == [(1,), (9,), (20,)]
    assert len(server.rows(f"SELECT id FROM {table}", table, tableVersion=1)) == 5
    assert put(server, table, [], replaceWhere="kind IS NULL").json()["version"] == 3
    assert server.rows(f"SELECT id FROM {table} ORDER BY id", table) == [(1,), (20,)]
    commit = server.places["local"].read(f"{table}/_delta_log/{2:020}.json").decode()
    info = json.loads(commit.splitlines()[0])["commitInfo"]
    assert json.loads(info["operationParameters"]["predicate"]) == "day >= DATE '2024-01-02' AND kind = 'a'"
    assert info["isBlindAppend"] is False and commit.count('"remove"') == 3


REFUSED = [("id = 1", {}, 501, "UNSUPPORTED_CONDITION"), ("day = DATE '2024-01-09'", {}, 400, "ROW_OUTSIDE_CONDITION"), ("", {}, 400, "SQL_SYNTAX"),
           ("dya = DATE '2024-01-01'", {}, 400, None), ("day = 'x'", {}, 400, None), ("day IN (SELECT day FROM other)", {}, 400, None),
           ("1; DROP TABLE x", {}, 400, None), ("kind = read_text('/etc/passwd')", {}, None, None), ("getenv('HOME') = kind", {}, 403, "SQL_NOT_ALLOWED"),
           ("(" * 5000 + "true" + ")" * 5000, {}, 400, "TOO_DEEP"), ("true", {"schema_mode": "overwrite"}, 400, "INVALID_PARAMETER")]


@pytest.mark.parametrize("condition,more,status,reason", REFUSED, ids=lambda value: str(value)[:30])
def test_what_cannot_be_decided_replaces_nothing(server, table, condition, more, status, reason):
    before = server.places["local"].states("*.parquet")
    answer = put(server, table, [{"id": 1, "day": "2024-01-01", "kind": "a"}], replace_where=condition, **more)
    assert answer.status_code == status or (status is None and answer.status_code in (400, 403)), answer.text
    assert reason in (None, answer.json()["reason"]), answer.text
    assert server.places["local"].states("*.parquet") == before
    assert len(server.rows(f"SELECT id FROM {table}", table)) == 5
    assert server.alive()


def test_an_append_takes_no_condition(server, table):
    answer = requests.post(f"{server.api}/local/{table}", params={"replace_where": "true"}, json={"record_batch_list": [{"id": 1}]}, timeout=60)
    assert (answer.status_code, answer.json()["reason"]) == (400, "UNKNOWN_PARAMETER")


def test_columns_may_be_added_with_it(server, table):
    answer = put(server, table, [{"id": 30, "day": "2024-01-03", "kind": "a", "note": "x"}], replace_where="day = DATE '2024-01-03'", schema_mode="merge")
    assert answer.status_code == 200, answer.text
    assert server.rows(f"SELECT id, note FROM {table} WHERE id IN (1, 30) ORDER BY id", table) == [(1, None), (30, "x")]


@pytest.mark.parametrize("kind,value", [("string", ""), ("binary", [])])
def test_rows_are_checked_as_they_are_stored(server, kind, value):
    """An empty text that partitions a table is a null: what a condition takes must be what it finds again."""
    name = f"empty_{kind}"
    server.create(name, {"x": kind, "z": "long"}, partition_columns=["x"])
    answer = put(server, name, [{"x": value, "z": 12}], replace_where="x = ''")
    assert (answer.status_code, answer.json()["reason"], answer.json()["row"]) == (400, "ROW_OUTSIDE_CONDITION", 0)
    for _ in range(2):
        assert put(server, name, [{"x": value, "z": 12}, {"x": None, "z": 13}], replace_where="x IS NULL").status_code == 200
    assert server.rows(f"SELECT x, z FROM {name} ORDER BY z", name) == [(None, 12), (None, 13)]


def test_a_padded_value_is_checked_as_it_is_stored(server):
    schema = [{"name": "x", "type": "string", "nullable": True, "metadata": {"__CHAR_VARCHAR_TYPE_STRING": "char(3)"}}, {"name": "z", "type": "long", "nullable": True}]
    requests.post(f"{server.api}/local", json={"table": "padded", "schema": schema, "partition_columns": ["x"]}, timeout=60).raise_for_status()
    assert put(server, "padded", [{"x": "a", "z": 1}], replace_where="x = 'a'").json()["reason"] == "ROW_OUTSIDE_CONDITION"
    for _ in range(2):
        assert put(server, "padded", [{"x": "a", "z": 1}], replace_where="x = 'a  '").status_code == 200
    assert server.rows("SELECT x, z FROM padded", "padded") == [("a  ", 1)]


SQL_TYPES = {"string": "VARCHAR", "long": "BIGINT", "timestamp": "TIMESTAMPTZ", "timestamp_ntz": "TIMESTAMP"}


def test_repeated_puts_leave_what_one_leaves(server):
    """Whatever the type: what was written is found by the condition that took it."""
    values = {"double": [-0.0, 0.0, 0.1, "NaN", "-Infinity"], "float": [0.1, -0.0, "NaN", 16777216], "timestamp": ["2024-01-02T03:04:05.000006+01:00", "0001-01-01T00:00:00Z"],
              "timestamp_ntz": ["2024-01-02T03:04:05.999999"], "date": ["0001-01-01", "9999-12-31"], "decimal(10,2)": ["1.50", "-1.05"], "string": [" ", "a", "__HIVE_DEFAULT_PARTITION__"],
              "boolean": [True, False], "long": [2**63 - 1]}
    for number, (kind, of_kind) in enumerate(values.items()):
        name = f"again_{number}"
        server.create(name, {"x": kind, "z": "long"}, partition_columns=["x"])
        rows = [{"x": value, "z": place} for place, value in enumerate(of_kind)]
        for row in rows:
            text = str(row["x"]).replace("Infinity", "inf")
            condition = f"x = '{text}'::{SQL_TYPES.get(kind, kind)}"
            for _ in range(2):
                answer = put(server, name, [row], replace_where=condition)
                assert answer.status_code == 200, (kind, row, answer.text)
        found = server.rows(f"SELECT x, count(*) AS n FROM {name} GROUP BY ALL", name)
        assert all(count == 1 for _, count in found), (kind, found)
