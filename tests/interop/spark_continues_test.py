"""Tables of this server, read and continued by Delta-Spark."""

import pytest
from compare import by_spark, by_us, latest_version, leave_checkpoint_alone, seen
from every_type import HOSTILE, TYPES

# What Spark does to a table of all types; in `moved` and `merged` rows go to partitions of their own.
STATEMENTS = {
    "append": "INSERT INTO {table} SELECT {columns} FROM {table} WHERE key < 3",
    "delete": "DELETE FROM {table} WHERE key % 4 = 1",
    "update": "UPDATE {table} SET `żółw` = 'updated', p = 'moved/%2F' WHERE key % 4 = 2",
    "merge": "MERGE INTO {table} t USING (SELECT key + 100 AS key, 'merged' AS text FROM {table} WHERE key < 9) s "
             "ON t.key = s.key WHEN MATCHED THEN UPDATE SET `żółw` = s.text "
             "WHEN NOT MATCHED THEN INSERT (key, `żółw`, p) VALUES (s.key, s.text, 'merged')",
    "optimize": "OPTIMIZE {table}",
}
# Table properties, and what Spark does there.
CONFIGURATIONS = {
    "plain": ({}, [*STATEMENTS]),
    "append-only": ({"delta.appendOnly": "true"}, ["append"]),
    "deletion vectors": ({"delta.enableDeletionVectors": "true"}, [*STATEMENTS]),
    "change data feed": ({"delta.enableChangeDataFeed": "true"}, ["update", "merge"]),
    "in-commit timestamps": ({"delta.enableInCommitTimestamps": "true"}, ["append", "delete"]),
    "V2 checkpoint": ({"delta.checkpointPolicy": "v2"}, ["append", "merge", "optimize"]),
    "struct statistics": ({"delta.checkpoint.writeStatsAsStruct": "true", "delta.checkpoint.writeStatsAsJson": "false"},
                          ["append", "delete"]),
    "no statistics": ({"delta.dataSkippingNumIndexedCols": "0"}, ["append", "update"]),
}
# The columns of TYPES, a key, and names that need quotes.
COLUMNS = {"key": "long", "żółw": "string", 'quo"ted': "long", **{name: kind for name, (kind, _) in TYPES.items()},
           "p": "string"}
CHECKPOINT_INTERVAL = 4
PARTITIONS = ["a/b=%2F ż", "", None]


def rows_of(keys, partitions):
    """Rows in which every type takes each of its values."""
    rows = {"key": list(keys), "żółw": [f"№{key}" for key in keys], 'quo"ted': [key * 2 for key in keys]}
    rows.update({name: [values[key % 3] for key in keys] for name, (_, values) in TYPES.items()})
    return rows | {"p": [partitions[key % len(partitions)] for key in keys]}


def agree(server, spark, table, first=0):
    """Every version since `first` is the same to both; returns what was seen, for the matrix."""
    folder, last = server.stores["local"] / table, latest_version(server, table)
    for version in range(first, last + 1):
        assert seen(by_us(server, table, version=version)) == seen(by_spark(spark, folder, version=version)), version
    return f"equal, versions {first}-{last}"


def checkpointed(server, table, configuration):
    """A table of all types with a checkpoint, whose commits before it are gone; returns its version."""
    server.create(table, COLUMNS, partition_columns=["p"],
                  configuration={"delta.checkpointInterval": str(CHECKPOINT_INTERVAL), **configuration})
    for keys in (range(9), range(9, 12), range(12, 15), range(15, 18)):
        answer = server.append(table, rows_of(keys, PARTITIONS))
        assert answer.status_code == 200, answer.text
    return answer.json()["version"]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_spark_reads_and_continues(server, spark, matrix, name):
    table, (configuration, statements) = "continued_" + name.replace(" ", "_"), CONFIGURATIONS[name]
    version = checkpointed(server, table, configuration)
    folder = server.stores["local"] / table
    matrix(name, "Spark reads ours", agree(server, spark, table))
    leave_checkpoint_alone(folder / "_delta_log", version)

    columns = ", ".join("key + 100" if column == "key" else f"`{column}`" for column in COLUMNS)
    for statement in statements:
        spark.sql(STATEMENTS[statement].format(table=f"delta.`{folder}`", columns=columns))
    matrix(name, "Spark goes on", ", ".join(statements))
    matrix(name, "we read that", agree(server, spark, table, version))

    before = latest_version(server, table)
    for keys in (range(200, 203), range(203, 206)):
        answer = server.append(table, rows_of(keys, PARTITIONS))
        assert answer.status_code == 200, answer.text
    matrix(name, "we go on", f"append, {agree(server, spark, table, before)}")


def test_no_rows(server, spark, matrix):
    server.create("no_rows", COLUMNS, partition_columns=["p"])
    matrix("no rows", "Spark reads ours", agree(server, spark, "no_rows"))


def test_hostile_partitions(server, spark, matrix):
    table = "hostile"
    server.create(table, {"key": "long", "p": "string", "ś": "string"}, partition_columns=["p", "ś"])
    rows = {"key": list(range(len(HOSTILE))), "p": HOSTILE, "ś": HOSTILE[::-1]}
    assert server.append(table, rows).status_code == 200
    folder = server.stores["local"] / table
    matrix("hostile partitions", "Spark reads ours", agree(server, spark, table))
    spark.sql(f"INSERT INTO delta.`{folder}` SELECT key + 100, p, `ś` FROM delta.`{folder}`")
    matrix("hostile partitions", "Spark goes on", "append")
    matrix("hostile partitions", "we read that", agree(server, spark, table, 1))


# What Spark changes of a table of ours, and the feature for whose sake rows are refused afterwards.
ALTERED = {
    "type widening": ("typeWidening", [
        "ALTER TABLE {table} SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')",
        "ALTER TABLE {table} ALTER COLUMN integer TYPE bigint", "ALTER TABLE {table} ALTER COLUMN decimal TYPE decimal(30,6)",
        "INSERT INTO {table} (key, integer, decimal, p) VALUES (50, 3000000000, 123456789012345678901234.123456, 'wide')"]),
    "column mapping": ("columnMapping", [
        "ALTER TABLE {table} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
        "ALTER TABLE {table} RENAME COLUMN `żółw` TO renamed", "ALTER TABLE {table} RENAME COLUMN p TO part",
        "ALTER TABLE {table} RENAME COLUMN struct.a TO inner", "ALTER TABLE {table} DROP COLUMN deep",
        "INSERT INTO {table} (key, renamed, part) VALUES (50, 'after', 'p')", "DELETE FROM {table} WHERE key = 1"]),
    "clustering": ("clustering", ["ALTER TABLE {table} CLUSTER BY (key)", "OPTIMIZE {table}"]),
}


@pytest.mark.parametrize("name", ALTERED)
def test_spark_alters(server, spark, matrix, name):
    table, (feature, statements) = "altered_" + name.replace(" ", "_"), ALTERED[name]
    server.create(table, COLUMNS, partition_columns=[] if name == "clustering" else ["p"])
    assert server.append(table, rows_of(range(9), PARTITIONS)).status_code == 200
    for statement in statements:
        spark.sql(statement.format(table=f"delta.`{server.stores['local'] / table}`"))
    matrix(name, "Spark goes on", "alter, append")
    matrix(name, "we read that", agree(server, spark, table))
    answer = server.append(table, {"key": [1]})
    assert (answer.status_code, answer.json()["reason"]) == (501, "UNSUPPORTED_TABLE_FEATURE"), answer.text
    assert feature in answer.json()["detail"]
    matrix(name, "we go on", f"refused: {feature}")
