"""INSERT, UPDATE, DELETE and MERGE by SQL and REST: the rows that DuckDB has after the same statements, read back by engines that are not ours."""

import random

import deltalake
import duckdb
import pytest
import requests
from answers import concatenated
from engines import open_duckdb

SCHEMA = {"id": "long", "p": "integer", "name": "string", "value": "double"}
NATIVE = "CREATE TABLE t (id BIGINT, p INTEGER, name VARCHAR, value DOUBLE)"
VECTORS = {"delta.enableDeletionVectors": "true"}

KINDS = {"copy": {}, "vectors": {"configuration": VECTORS}, "copy, partitions": {"partition_columns": ["p"]},
         "vectors, partitions": {"configuration": VECTORS, "partition_columns": ["p"]}}


def run(server, sql, status=200):
    answer = requests.post(f"{server.url}/api/1.0/sql?format=json&braces=false", json={"sql": sql}, timeout=120)
    assert answer.status_code == status, f"{sql}: {answer.text}"
    return answer.json()


def rows(server, table):
    return server.rows(f"SELECT id, p, name, value FROM {table} ORDER BY ALL", table)


def native_rows(native):
    return native.sql("SELECT id, p, name, value FROM t ORDER BY ALL").fetchall()


class Statements:
    """Random statements that mean the same on a Delta table and on DuckDB's own."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def condition(self, name="t"):
        return self.random.choice([
            f"{name}.id % {self.random.randint(2, 9)} = {self.random.randint(0, 4)}", f"{name}.p = {self.random.randint(0, 4)}", f"{name}.p IS NULL",
            f"{name}.value > {self.random.randint(0, 100)}", f"{name}.name LIKE '%{self.random.randint(0, 9)}%'",
            f"{name}.id BETWEEN {self.random.randint(0, 100)} AND {self.random.randint(0, 200)}", "true"])

    def source(self):
        first = self.random.randint(0, 150)
        return (f"(SELECT i AS id, CASE WHEN i % 7 = 0 THEN NULL ELSE CAST(i % 5 AS INTEGER) END AS p, 'n' || i AS name, i * 0.5 AS value "
                f"FROM range({first}, {first + self.random.randint(0, 60)}) r(i))")

    def next(self):
        kind = self.random.choice(["insert", "insert by name", "update", "update from", "delete", "delete using", "merge", "merge"])
        if kind == "insert":
            return f"INSERT INTO t SELECT * FROM {self.source()}"
        if kind == "insert by name":
            return f"INSERT INTO t (value, id) SELECT value, id FROM {self.source()}"
        if kind == "update":
            change = self.random.choice(["value = value + 1, name = name || '!'", "p = p + 1", "p = NULL", "id = id + 1000, value = NULL", "name = DEFAULT"])
            return f"UPDATE t SET {change} WHERE {self.condition()}"
        if kind == "update from":
            return f"UPDATE t SET value = s.value, name = s.name FROM {self.source()} s WHERE t.id = s.id AND {self.condition()}"
        if kind == "delete":
            return f"DELETE FROM t WHERE {self.random.choice([self.condition(), 't.id IN (SELECT i * 7 FROM range(10) r(i))'])}"
        if kind == "delete using":
            return f"DELETE FROM t USING {self.source()} s WHERE t.id = s.id AND t.value > s.value"
        clauses = self.random.sample([
            f"WHEN MATCHED AND {self.condition()} THEN UPDATE SET value = s.value * 2", f"WHEN MATCHED AND {self.condition('s')} THEN DELETE",
            "WHEN NOT MATCHED AND s.id % 3 = 0 THEN INSERT (id, name) VALUES (s.id, 'new')", f"WHEN NOT MATCHED BY SOURCE AND {self.condition()} THEN DELETE",
            f"WHEN NOT MATCHED BY SOURCE AND {self.condition()} THEN UPDATE SET p = 9"], self.random.randint(1, 4))
        if self.random.random() < 0.5:
            clauses += ["WHEN MATCHED THEN UPDATE SET name = s.name, p = s.p", "WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.p, s.name, s.value)"]
        return f"MERGE INTO t USING {self.source()} s ON t.id = s.id " + " ".join(clauses)


@pytest.mark.parametrize("kind", KINDS)
def test_random_statements_change_the_rows_that_duckdb_changes(server, kind):
    table = "random_" + kind.replace(", ", "_")
    server.create(table, SCHEMA, **KINDS[kind])
    native = duckdb.connect()
    native.sql(NATIVE)
    seed = random.randrange(1 << 32)
    statements = Statements(seed)
    done = 0
    for number in range(60):
        sql = statements.next()
        where = f"seed {seed}, statement {number}: {sql}"
        native.begin()
        # An UPDATE … FROM or MERGE whose source hits a row twice is an error here, and any of the two in DuckDB.
        if sql.startswith("UPDATE") and " FROM " in sql or sql.startswith("MERGE"):
            if native.sql("SELECT count(*) FROM (SELECT id FROM t GROUP BY id HAVING count(*) > 1)").fetchone()[0]:
                native.rollback()
                continue
        native.sql(sql)
        native.commit()
        answer = requests.post(f"{server.url}/api/1.0/sql", json={"sql": sql.replace("INTO t ", f"INTO local.{table} AS t ", 1) if sql.startswith("MERGE") else
                                                                 sql.replace("INTO t ", f"INTO local.{table} ", 1).replace("UPDATE t ", f"UPDATE local.{table} AS t ", 1)
                                                                 .replace("FROM t ", f"FROM local.{table} AS t ", 1)}, timeout=120)
        assert answer.status_code == 200, f"{where}: {answer.text}"
        assert rows(server, table) == native_rows(native), where
        done += 1
    assert done > 30
    expected = native_rows(native)
    folder = server.stores["local"] / table
    theirs = open_duckdb()
    assert theirs.sql(f"SELECT id, p, name, value FROM delta_scan('{folder}') ORDER BY ALL").fetchall() == expected
    if "vectors" not in kind:
        read = deltalake.DeltaTable(str(folder)).to_pyarrow_table()
        assert duckdb.connect().sql("SELECT id, p, name, value FROM read ORDER BY ALL").fetchall() == expected


def fill(server, table, count=1000, **more):
    server.create(table, SCHEMA, **more)
    run(server, f"INSERT INTO local.{table} SELECT i, i % 4, 'n' || i, i / 2 FROM range({count}) r(i)")


def test_a_statement_tells_what_it_changed(server):
    fill(server, "told", configuration=VECTORS)
    names = ["version", "num_affected_rows", "num_inserted_rows", "num_updated_rows", "num_deleted_rows"]
    def counts(sql):
        answer = requests.post(f"{server.url}/api/1.0/sql", json={"sql": sql}, timeout=60)
        assert answer.status_code == 200, answer.text
        return [concatenated(answer.json())[name][0] for name in names]
    assert counts("DELETE FROM local.told WHERE id < 10") == [2, 10, 0, 0, 10]
    assert counts("UPDATE local.told SET name = 'x' WHERE id < 15") == [3, 5, 0, 5, 0]
    assert counts("DELETE FROM local.told WHERE id < 0") == [3, 0, 0, 0, 0], "nothing to change: no version"
    assert counts("MERGE INTO local.told t USING (SELECT 10 AS id UNION ALL SELECT 5) s ON t.id = s.id WHEN MATCHED THEN DELETE "
                  "WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)") == [4, 2, 1, 0, 1]


def test_deletes_mark_rows_where_the_table_has_vectors_and_rewrite_else(server):
    for table, more in [("marked", {"configuration": VECTORS}), ("rewritten", {})]:
        fill(server, table, **more)
        answer = requests.delete(f"{server.api}/local/{table}", params={"where": "id % 100 = 7"}, timeout=60)
        assert answer.status_code == 200, answer.text
        metrics = answer.json()["metrics"]
        assert metrics["rows_deleted"] == 10
        assert (metrics["deletion_vectors_added"], metrics["rows_copied"]) == ((1, 0) if more else (0, 990)), metrics
        assert len(rows(server, table)) == 990
        answer = requests.delete(f"{server.api}/local/{table}", params={"all": "true"}, timeout=60)
        assert answer.json()["metrics"]["rows_deleted"] == 990 and answer.json()["metrics"]["files_removed"] == 1, answer.text
        assert rows(server, table) == []


def test_an_update_sets_expressions(server):
    fill(server, "patched", 10)
    answer = requests.patch(f"{server.api}/local/patched", json={"set": {"name": "upper(name) -- loud", "value": "value + id"}, "where": "id >= 8 -- some"}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == 2 and answer.json()["metrics"]["rows_updated"] == 2
    assert rows(server, "patched")[8:] == [(8, 0, "N8", 12.0), (9, 1, "N9", 13.5)]


@pytest.mark.parametrize("body,status,reason", [
    ({}, 400, "MISSING_KEY"), ({"set": {}}, 400, "INVALID_PARAMETER"), ({"set": {"zz": "1"}}, 400, None), ({"set": {"id": "'x'"}}, 400, "VALUE_OUT_OF_RANGE"),
    ({"set": {"id": "1"}, "where": "id ="}, 400, "SQL_SYNTAX"), ({"set": {"id": 1}}, 400, "TYPE_MISMATCH"), ({"set": {"id": "getenv('HOME')"}}, 403, "SQL_NOT_ALLOWED"),
    ({"set": {"id": "1); DELETE FROM q; SELECT (1"}}, 400, None), ({"sett": {"id": "1"}}, 400, "UNKNOWN_KEY"),
    ({"set": {"name": "(SELECT content FROM read_text('/etc/passwd'))"}}, 403, "SQL_NOT_ALLOWED"),
    ({"set": {"value": "(SELECT value FROM local.refused)"}}, 400, None)])
def test_bad_updates_change_nothing(server, body, status, reason):
    if not requests.get(f"{server.api}/local/refused/details", timeout=60).ok:
        fill(server, "refused", 10)
    answer = requests.patch(f"{server.api}/local/refused", json=body, timeout=60)
    assert answer.status_code == status, answer.text
    assert reason in (None, answer.json()["reason"]), answer.text
    assert requests.get(f"{server.api}/local/refused/details", timeout=60).json()["version"] == 1
    assert server.alive()


def test_bad_deletes_change_nothing(server):
    fill(server, "kept", 10)
    for parameters, reason in [({}, "MISSING_PARAMETER"), ({"where": "id = 1", "all": "true"}, "INVALID_PARAMETER"), ({"where": "zz = 1"}, "UNKNOWN_COLUMN"),
                               ({"where": ""}, "SQL_SYNTAX")]:
        answer = requests.delete(f"{server.api}/local/kept", params=parameters, timeout=60)
        assert (answer.status_code, answer.json()["reason"]) == (400, reason), answer.text
    assert requests.delete(f"{server.api}/local/absent", params={"all": "true"}, timeout=60).status_code == 404
    assert len(rows(server, "kept")) == 10


@pytest.mark.parametrize("sql,status,reason", [
    ("MERGE INTO local.once t USING (SELECT 1 AS id UNION ALL SELECT 1) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = 'x'", 400, "DUPLICATE_MATCH"),
    ("UPDATE local.once t SET name = s.name FROM (SELECT 1 AS id, 'x' AS name UNION ALL SELECT 1, 'y') s WHERE t.id = s.id", 400, "DUPLICATE_MATCH"),
    ("MERGE INTO local.once t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE WHEN MATCHED AND s.id = 1 THEN UPDATE SET name = 'x'",
     400, "SQL_INVALID"),
    ("MERGE INTO local.once t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED AND s.id IN (SELECT 1) THEN DELETE", 501, "UNSUPPORTED_SQL"),
    ("DELETE FROM local.once RETURNING id", 501, "UNSUPPORTED_SQL"), ("UPDATE local.once SET p = 1 RETURNING id", 501, "UNSUPPORTED_SQL"),
    ("INSERT INTO local.once VALUES (1, 1, 'x', 1) ON CONFLICT DO NOTHING", None, None), ("DELETE FROM local.absent", 404, "TABLE_NOT_FOUND"),
    ("UPDATE local.once SET id = 'x'", 400, "VALUE_OUT_OF_RANGE"), ("INSERT INTO local.once SELECT * FROM read_csv('/etc/passwd')", 403, "SQL_NOT_ALLOWED"),
    ("DELETE FROM information_schema.tables", 403, None), ("CREATE TABLE local.x (a INT)", 400, "READ_ONLY_ENDPOINT"),
    ("DROP TABLE local.once", 400, "READ_ONLY_ENDPOINT"), ("BEGIN", 403, None), ("DELETE FROM local.once; DELETE FROM local.once", 400, "ONE_STATEMENT")])
def test_refused_statements_change_nothing(server, sql, status, reason):
    if not requests.get(f"{server.api}/local/once/details", timeout=60).ok:
        fill(server, "once", 10)
    answer = requests.post(f"{server.url}/api/1.0/sql", json={"sql": sql}, timeout=60)
    assert answer.status_code == status or status is None and answer.status_code >= 400, answer.text
    assert reason in (None, answer.json().get("reason")), answer.text
    assert requests.get(f"{server.api}/local/once/details", timeout=60).json()["version"] == 1
    assert server.alive()


def test_several_source_rows_may_delete_one_row(server):
    fill(server, "twice", 10)
    run(server, "MERGE INTO local.twice t USING (SELECT 1 AS id UNION ALL SELECT 1) s ON t.id = s.id WHEN MATCHED THEN DELETE")
    run(server, "DELETE FROM local.twice t USING (SELECT 2 AS id UNION ALL SELECT 2) s WHERE t.id = s.id")
    assert len(rows(server, "twice")) == 8


def test_append_only_tables_and_change_feeds_are_refused(server):
    for table, configuration, status, reason in [("appended", {"delta.appendOnly": "true"}, 409, "APPEND_ONLY"),
                                                 ("feed", {"delta.enableChangeDataFeed": "true"}, 501, "UNSUPPORTED_TABLE_FEATURE")]:
        fill(server, table, 10, configuration=configuration)
        answer = requests.delete(f"{server.api}/local/{table}", params={"where": "id = 1"}, timeout=60)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
        assert len(rows(server, table)) == 10
        files = [path for path in (server.stores["local"] / table).rglob("*") if path.suffix in (".parquet", ".bin")]
        assert len(files) == 1, "nothing is left of a refused change"


def test_updates_of_one_table_at_once_all_count(server):
    fill(server, "counted", 8, configuration=VECTORS)
    from concurrent.futures import ThreadPoolExecutor
    def add(number):
        return requests.patch(f"{server.api}/local/counted", json={"set": {"value": "value + 1"}, "where": f"id = {number % 8}"}, timeout=120)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(add, range(24)))
    done = sum(answer.status_code == 200 for answer in answers)
    assert all(answer.status_code == 200 or answer.json()["reason"] == "SNAPSHOT_CHANGED" for answer in answers), [answer.text for answer in answers]
    assert sum(row[3] for row in rows(server, "counted")) == 14 + done


def test_a_wrong_count_of_the_log_loses_no_row(server):
    folder = server.stores["local"] / "miscounted"
    deltalake.write_deltalake(str(folder), duckdb.sql("SELECT i AS id FROM range(10) r(i)").to_arrow_table(), configuration={})
    commit = folder / "_delta_log" / f"{0:020}.json"
    commit.write_text(commit.read_text().replace('\\"numRecords\\":10', '\\"numRecords\\":1'))
    assert requests.delete(f"{server.api}/local/miscounted", params={"where": "id = 7"}, timeout=60).status_code == 200
    assert [row for (row,) in server.rows("SELECT id FROM miscounted ORDER BY id", "miscounted")] == [0, 1, 2, 3, 4, 5, 6, 8, 9]
