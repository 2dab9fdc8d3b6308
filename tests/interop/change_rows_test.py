"""The same statements by this server and by Delta-Spark."""

import itertools

import pytest
import requests
from compare import by_deltalake, by_duckdb, by_spark, by_us, latest_version, seen

VECTORS = {"delta.enableDeletionVectors": "true"}
COLUMNS = {"id": "long", "p": "integer", "name": "string", "amount": "decimal(12,2)", "day": "date"}
KINDS = {"rewritten files": {}, "deletion vectors": {"configuration": VECTORS}, "partitions": {"partition_columns": ["p"]},
         "partitions, deletion vectors": {"partition_columns": ["p"], "configuration": VECTORS}}

# Each runs on what the ones before it left. {s} is a table of source rows.
STATEMENTS = [
    "UPDATE {t} SET name = 'first' WHERE id = 3",
    "UPDATE {t} SET amount = amount * 2, name = concat(name, '!') WHERE id % 7 = 1",
    "UPDATE {t} SET p = p + 1 WHERE id % 11 = 5",
    "UPDATE {t} SET p = NULL WHERE id = 12",
    "UPDATE {t} SET day = NULL, amount = NULL WHERE name LIKE '%3%'",
    "UPDATE {t} SET name = 'null-safe' WHERE p IS NULL AND day IS NULL",
    "UPDATE {t} SET name = name WHERE id < 0",
    "DELETE FROM {t} WHERE id = 7",
    "DELETE FROM {t} WHERE id % 13 = 2 OR amount IS NULL",
    "DELETE FROM {t} WHERE p = 3",
    "DELETE FROM {t} WHERE name = 'nobody'",
    "DELETE FROM {t} WHERE id % 10 = 6 AND name <> 'n36'",
    "INSERT INTO {t} SELECT id + 1000, p, name, amount, day FROM {s} WHERE id % 3 = 0",
    "MERGE INTO {t} t USING {s} s ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = s.name",
    "MERGE INTO {t} t USING {s} s ON t.id = s.id WHEN MATCHED AND s.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET amount = s.amount, p = s.p",
    "MERGE INTO {t} t USING {s} s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, p, name) VALUES (s.id, s.p, s.name)",
    "MERGE INTO {t} t USING (SELECT id + 50 AS id, p, name, amount, day FROM {s}) s ON t.id = s.id AND t.p = s.p "
    "WHEN MATCHED AND t.amount > 100 THEN UPDATE SET day = DATE '2026-01-01' WHEN MATCHED AND s.id % 3 = 0 THEN DELETE "
    "WHEN NOT MATCHED AND s.id % 2 = 1 THEN INSERT (id, p, name, amount, day) VALUES (s.id, s.p, s.name, s.amount, s.day) "
    "WHEN NOT MATCHED THEN INSERT (id) VALUES (-s.id)",
    "MERGE INTO {t} t USING {s} s ON t.id = s.id WHEN NOT MATCHED BY SOURCE AND t.id > 1000 THEN DELETE "
    "WHEN NOT MATCHED BY SOURCE AND t.p = 1 THEN UPDATE SET name = 'no source'",
    "MERGE INTO {t} t USING (SELECT id FROM {s} UNION ALL SELECT id FROM {s}) s ON t.id = s.id AND t.id < 20 WHEN MATCHED THEN DELETE",
    "MERGE INTO {t} t USING {s} s ON t.name = s.name AND t.day IS NULL WHEN MATCHED THEN UPDATE SET day = s.day "
    "WHEN NOT MATCHED AND s.day > DATE '2020-03-01' THEN INSERT (id, name, day) VALUES (s.id + 5000, s.name, s.day)",
    "UPDATE {t} SET p = 2 WHERE id > 4000",
    "DELETE FROM {t} WHERE p IS NULL",
    "UPDATE {t} SET id = id + 1",
    "DELETE FROM {t} WHERE true",
    "INSERT INTO {t} SELECT * FROM {s}",
]
REFUSED = [
    "MERGE INTO {t} t USING (SELECT 1 AS id UNION ALL SELECT 1) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = 'x'",
    "MERGE INTO {t} t USING {s} s ON t.id = s.id WHEN MATCHED THEN DELETE WHEN MATCHED AND s.id = 1 THEN UPDATE SET name = 'x'",
    "UPDATE {t} SET zz = 1", "DELETE FROM {t} WHERE zz = 1", "UPDATE {t} SET name = (SELECT name FROM {s})",
]


def rows_of(first, count):
    numbers = range(first, first + count)
    return {"id": list(numbers), "p": [None if n % 17 == 4 else n % 5 for n in numbers], "name": [f"n{n}" for n in numbers],
            "amount": [None if n % 19 == 3 else f"{n * 3}.25" for n in numbers],
            "day": [None if n % 23 == 6 else f"2020-{n % 12 + 1:02}-{n % 28 + 1:02}" for n in numbers]}


def fill(server, table, **more):
    server.create(table, COLUMNS, **more)
    for first in (0, 60, 120):
        answer = server.append(table, rows_of(first, 60))
        assert answer.status_code == 200, answer.text


def run(server, sql, table, source):
    return requests.post(f"{server.url}/api/1.0/sql", timeout=120, json={"sql": sql.format(t=f"local.{table}", s=f"local.{source}")})


@pytest.mark.parametrize("kind", KINDS)
def test_statements_change_the_rows_that_spark_changes(server, spark, duck, matrix, kind):
    name = kind.replace(", ", "_").replace(" ", "_")
    ours, theirs, source = f"ours_{name}", f"theirs_{name}", f"source_{name}"
    for table in (ours, theirs):
        fill(server, table, **KINDS[kind])
    server.create(source, COLUMNS)
    assert server.append(source, rows_of(100, 80)).status_code == 200
    folders = {table: server.stores["local"] / table for table in (ours, theirs, source)}
    for number, sql in enumerate(STATEMENTS):
        answer = run(server, sql, ours, source)
        assert answer.status_code == 200, f"{sql}: {answer.text}"
        spark.sql(sql.format(t=f"delta.`{folders[theirs]}`", s=f"delta.`{folders[source]}`"))
        expected = seen(by_spark(spark, folders[theirs]))
        assert seen(by_us(server, ours)) == expected, f"{number}: {sql}"
        assert seen(by_spark(spark, folders[ours])) == expected, f"{number}, read by Spark: {sql}"
        assert seen(by_duckdb(duck, folders[ours])) == expected, f"{number}, read by DuckDB: {sql}"
        if "vectors" not in kind:
            assert seen(by_deltalake(folders[ours])) == expected, f"{number}, read by deltalake: {sql}"
        assert seen(by_us(server, theirs)) == expected, f"{number}, of Spark, read by us: {sql}"
    for version in range(latest_version(server, ours) + 1):
        assert seen(by_us(server, ours, version=version)) == seen(by_spark(spark, folders[ours], version=version)), version
    matrix(kind, "equal statements", str(len(STATEMENTS)))

    # Each goes on where the other stopped.
    for by_spark_first, sql in itertools.product((True, False), STATEMENTS[:9]):
        if by_spark_first:
            spark.sql(sql.format(t=f"delta.`{folders[ours]}`", s=f"delta.`{folders[source]}`"))
            assert run(server, sql, theirs, source).status_code == 200
        else:
            assert run(server, sql, ours, source).status_code == 200
            spark.sql(sql.format(t=f"delta.`{folders[theirs]}`", s=f"delta.`{folders[source]}`"))
        assert seen(by_us(server, ours)) == seen(by_spark(spark, folders[theirs])), sql
    matrix(kind, "in turn on one table", "equal")


def test_statements_that_spark_refuses_are_refused(server, spark, matrix):
    fill(server, "refused")
    server.create("refused_source", COLUMNS)
    assert server.append("refused_source", rows_of(0, 10)).status_code == 200
    for sql in REFUSED:
        assert run(server, sql, "refused", "refused_source").status_code == 400, sql
        with pytest.raises(Exception):
            folder = server.stores["local"]
            spark.sql(sql.format(t=f"delta.`{folder / 'refused'}`", s=f"delta.`{folder / 'refused_source'}`"))
    assert latest_version(server, "refused") == 3
    matrix("refused statements", "equal statements", str(len(REFUSED)))
