"""Tables that Delta-Spark wrote with each feature, read and continued by this server."""

import pytest
from compare import by_spark, by_us, latest_version, seen, sorted_rows

# What is written: each statement makes a version, `{t}` is the table. `appends` says what this server answers to an append of
# the row `row` (a row of nulls when it is absent): None when it is done, else the feature for whose sake it is refused.
TABLES = {
    "every primitive type": dict(make=[
        "CREATE TABLE {t} (bo boolean, by byte, sh short, i int, l long, f float, d double, de decimal(38,18), s string, "
        "bi binary, da date, ts timestamp, ntz timestamp_ntz, vc varchar(5)) USING delta",
        "INSERT INTO {t} VALUES (true, 127Y, -32768S, 2147483647, -9223372036854775808L, float('NaN'), double('-Infinity'), "
        "12345678901234567890.123456789012345678BD, 'żółw', X'00FF', date'0001-01-01', timestamp'9999-12-31 23:59:59.999999', "
        "timestamp_ntz'1600-02-29 00:00:00.000001', 'abc')",
        "INSERT INTO {t} VALUES (false, -128Y, 0S, 0, 0L, float('-0.0'), double('-0.0'), -0.000000000000000001BD, '', X'', "
        "date'1582-10-15', timestamp'1969-12-31 23:59:59.999999', timestamp_ntz'9999-12-31 23:59:59.999999', '')",
        "INSERT INTO {t} (i) VALUES (NULL)"]),
    "nested types": dict(make=[
        "CREATE TABLE {t} (s struct<a: int, b: struct<c: string, d: array<int>>>, a array<struct<x: int, y: map<string, date>>>, "
        "m map<struct<k: int>, array<string>>) USING delta",
        "INSERT INTO {t} SELECT named_struct('a', 1, 'b', named_struct('c', 'x', 'd', array(1, NULL))), "
        "array(named_struct('x', 1, 'y', map('k', date'2024-01-01')), NULL), map(named_struct('k', 1), array('v', NULL))",
        "INSERT INTO {t} VALUES (NULL, array(), map()), (named_struct('a', NULL, 'b', NULL), NULL, NULL)"]),
    "every partition type": dict(make=[
        "CREATE TABLE {t} (v int, bo boolean, by byte, l long, f float, d double, de decimal(10,2), s string, da date, "
        "ts timestamp, ntz timestamp_ntz) USING delta PARTITIONED BY (bo, by, l, f, d, de, s, da, ts, ntz)",
        "INSERT INTO {t} VALUES (1, true, 1Y, -1L, float(1.5), 1e300, 1.50, 'a/b=%2F {{}} ż', date'2024-02-29', "
        "timestamp'2024-02-29 12:00:00.123456', timestamp_ntz'1969-12-31 00:00:00'), "
        "(2, NULL, NULL, NULL, float('NaN'), double('-Infinity'), NULL, '', date'0001-01-01', "
        "timestamp'1969-12-31 23:59:59.999999', NULL)"]),
    "NOT NULL": dict(make=[
        "CREATE TABLE {t} (a int NOT NULL, s struct<x: int NOT NULL>) USING delta",
        "INSERT INTO {t} VALUES (1, named_struct('x', 2)), (2, named_struct('x', 3))"],
        row={"a": [9], "s": [{"x": 1}]}),
    "checkConstraints": dict(make=[
        "CREATE TABLE {t} (a int) USING delta", "ALTER TABLE {t} ADD CONSTRAINT small CHECK (a < 100)",
        "INSERT INTO {t} VALUES (1)"], appends="checkConstraints"),
    "generatedColumns": dict(make=[
        "CREATE TABLE {t} (at timestamp, day date GENERATED ALWAYS AS (CAST(at AS date))) USING delta PARTITIONED BY (day)",
        "INSERT INTO {t} (at) VALUES (timestamp'2024-02-29 12:00:00')"], appends="generatedColumns"),
    "identityColumns": dict(make=[
        "CREATE TABLE {t} (id bigint GENERATED ALWAYS AS IDENTITY, v int) USING delta",
        "INSERT INTO {t} (v) VALUES (1), (2)"], appends="identityColumns"),
    "allowColumnDefaults": dict(make=[
        "CREATE TABLE {t} (a int, b int DEFAULT 7) USING delta "
        "TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')",
        "INSERT INTO {t} (a) VALUES (1)"], appends="allowColumnDefaults"),
    "changeDataFeed": dict(make=[
        "CREATE TABLE {t} (a int, b string) USING delta TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')",
        "INSERT INTO {t} SELECT id, 'x' FROM range(10)", "UPDATE {t} SET b = 'y' WHERE a < 3", "DELETE FROM {t} WHERE a > 7"]),
    "deletionVectors": dict(make=[
        "CREATE TABLE {t} (a int, p int) USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        "INSERT INTO {t} SELECT id, id % 2 FROM range(0, 1000, 1, 1)", "DELETE FROM {t} WHERE a % 7 = 3",
        "UPDATE {t} SET a = -a WHERE a % 11 = 1", "DELETE FROM {t} WHERE a % 5 = 0 AND p = 1",
        "MERGE INTO {t} t USING (SELECT 2 AS a, 0 AS p) s ON t.a = s.a WHEN MATCHED THEN DELETE "
        "WHEN NOT MATCHED BY SOURCE AND t.a > 900 THEN UPDATE SET p = 1",
        "DELETE FROM {t} WHERE p = 0", "REORG TABLE {t} APPLY (PURGE)"]),
    "columnMapping by name": dict(make=[
        "CREATE TABLE {t} (a int, `b c,=` string, s struct<x: int, y: int>, p string) USING delta PARTITIONED BY (p) "
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
        "INSERT INTO {t} VALUES (1, 'x', named_struct('x', 1, 'y', 2), 'p1')", "ALTER TABLE {t} RENAME COLUMN a TO z",
        "ALTER TABLE {t} RENAME COLUMN s.x TO renamed", "ALTER TABLE {t} RENAME COLUMN p TO part",
        "INSERT INTO {t} VALUES (2, 'y', named_struct('renamed', 3, 'y', 4), 'p2')", "ALTER TABLE {t} DROP COLUMN `b c,=`",
        "ALTER TABLE {t} DROP COLUMN s.y", "ALTER TABLE {t} ADD COLUMN (a int)",
        "INSERT INTO {t} VALUES (3, named_struct('renamed', 5), NULL, 7)"], appends="columnMapping"),
    "columnMapping by id": dict(make=[
        "CREATE TABLE {t} (a int, s struct<x: array<struct<k: int>>>) USING delta "
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'id')",
        "INSERT INTO {t} VALUES (1, named_struct('x', array(named_struct('k', 1))))",
        "ALTER TABLE {t} RENAME COLUMN a TO b", "INSERT INTO {t} VALUES (2, NULL)"], appends="columnMapping"),
    "columnMapping switched on later": dict(make=[
        "CREATE TABLE {t} (a int, b int) USING delta", "INSERT INTO {t} VALUES (1, 2)",
        "ALTER TABLE {t} SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name')", "ALTER TABLE {t} RENAME COLUMN a TO c",
        "INSERT INTO {t} VALUES (3, 4)", "DELETE FROM {t} WHERE c = 1"], appends="columnMapping"),
    "typeWidening": dict(make=[
        "CREATE TABLE {t} (a byte, b short, c int, d float, e decimal(5,2), f date, g struct<x: short>, h int, p short) "
        "USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.enableTypeWidening' = 'true', "
        "'delta.feature.timestampNtz' = 'supported')",
        "INSERT INTO {t} VALUES (1, 2, 3, 0.5, 1.25, date'2024-01-01', named_struct('x', 5S), 7, 1), "
        "(-128, -32768, -2147483648, float('-0.0'), -999.99, date'1600-01-01', NULL, NULL, NULL)",
        "ALTER TABLE {t} ALTER COLUMN a TYPE int", "ALTER TABLE {t} ALTER COLUMN b TYPE bigint",
        "ALTER TABLE {t} ALTER COLUMN c TYPE double", "ALTER TABLE {t} ALTER COLUMN d TYPE double",
        "ALTER TABLE {t} ALTER COLUMN e TYPE decimal(20,5)", "ALTER TABLE {t} ALTER COLUMN f TYPE timestamp_ntz",
        "ALTER TABLE {t} ALTER COLUMN g.x TYPE bigint", "ALTER TABLE {t} ALTER COLUMN h TYPE decimal(12,1)",
        "ALTER TABLE {t} ALTER COLUMN p TYPE bigint",
        "INSERT INTO {t} VALUES (2147483647, 9223372036854775807, 1e300, 1e-300, 123456789012345.12345, "
        "timestamp_ntz'2024-01-01 01:02:03.000004', named_struct('x', 9223372036854775807), 12345678901.5, 9223372036854775807)"],
        appends="typeWidening"),
    "rowTracking": dict(make=[
        "CREATE TABLE {t} (a int) USING delta TBLPROPERTIES ('delta.enableRowTracking' = 'true')",
        "INSERT INTO {t} VALUES (1), (2)", "UPDATE {t} SET a = 5 WHERE a = 1"], appends="rowTracking"),
    "clustering": dict(make=[
        "CREATE TABLE {t} (a int, b int) USING delta CLUSTER BY (a)", "INSERT INTO {t} SELECT id, id FROM range(100)",
        "OPTIMIZE {t}"], appends="clustering"),
    "inCommitTimestamp": dict(make=[
        "CREATE TABLE {t} (a int) USING delta", "INSERT INTO {t} VALUES (1)",
        "ALTER TABLE {t} SET TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'true')", "INSERT INTO {t} VALUES (2)"]),
    "vacuumProtocolCheck": dict(make=[
        "CREATE TABLE {t} (a int) USING delta TBLPROPERTIES ('delta.feature.vacuumProtocolCheck' = 'supported')",
        "INSERT INTO {t} VALUES (1)"]),
    "checkpointProtection": dict(make=[
        "CREATE TABLE {t} (a int) USING delta TBLPROPERTIES ('delta.feature.checkpointProtection' = 'supported')",
        "INSERT INTO {t} VALUES (1)"], appends="checkpointProtection"),
    "icebergCompatV1": dict(make=[
        "CREATE TABLE {t} (a int) USING delta "
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableIcebergCompatV1' = 'true')",
        "INSERT INTO {t} VALUES (1)"], appends="icebergCompatV1"),
    "icebergCompatV2": dict(make=[
        "CREATE TABLE {t} (a int, l array<int>) USING delta "
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableIcebergCompatV2' = 'true')",
        "INSERT INTO {t} VALUES (1, array(1, 2))"], appends="icebergCompatV2"),
    "materializePartitionColumns": dict(make=[
        "CREATE TABLE {t} (a int, p int) USING delta PARTITIONED BY (p) "
        "TBLPROPERTIES ('delta.feature.materializePartitionColumns' = 'supported')",
        "INSERT INTO {t} VALUES (1, 2)"], appends="materializePartitionColumns"),
    "variantType": dict(make=[
        "CREATE TABLE {t} (v variant) USING delta", "INSERT INTO {t} VALUES (parse_json('{{\"a\": 1}}'))"],
        refused="variantType"),
    "void column": dict(make=["CREATE TABLE {t} (a int, v void) USING delta", "INSERT INTO {t} (a) VALUES (1)"]),
    "V2 checkpoint": dict(make=[
        "CREATE TABLE {t} (a int, s string) USING delta "
        "TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '2')",
        *["INSERT INTO {t} VALUES (1, 'x'), (2, NULL)"] * 3, "DELETE FROM {t} WHERE a = 1"], from_checkpoint=True),
    "V2 checkpoint as JSON": dict(make=[
        "SET spark.databricks.delta.checkpointV2.topLevelFileFormat = json",
        "CREATE TABLE {t} (a int, s string) USING delta "
        "TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '2')",
        *["INSERT INTO {t} VALUES (1, 'x'), (2, NULL)"] * 3], from_checkpoint=True),
    "multi-part checkpoint": dict(make=[
        "SET spark.databricks.delta.checkpoint.partSize = 2",
        "CREATE TABLE {t} (a int, p int) USING delta PARTITIONED BY (p) TBLPROPERTIES ('delta.checkpointInterval' = '2')",
        *["INSERT INTO {t} SELECT id, id FROM range(4)"] * 2], from_checkpoint=True),
    "checkpoint with struct statistics only": dict(make=[
        "CREATE TABLE {t} (a int, d date, ts timestamp, e decimal(20,3), p date) USING delta PARTITIONED BY (p) TBLPROPERTIES ("
        "'delta.checkpointInterval' = '2', 'delta.checkpoint.writeStatsAsJson' = 'false', "
        "'delta.checkpoint.writeStatsAsStruct' = 'true')",
        *["INSERT INTO {t} VALUES (1, date'2024-01-01', timestamp'2024-01-01 00:00:00.123456', 1.5, date'0001-01-01'), "
          "(NULL, NULL, NULL, NULL, NULL)"] * 2], from_checkpoint=True),
    "columns added": dict(make=[
        "CREATE TABLE {t} (a int, s struct<x: int>) USING delta", "INSERT INTO {t} VALUES (1, named_struct('x', 1))",
        "ALTER TABLE {t} ADD COLUMNS (b string FIRST, s.y int)",
        "INSERT INTO {t} VALUES ('new', 2, named_struct('x', 2, 'y', 3))"]),
    "replaced": dict(make=[
        "CREATE TABLE replaced (a int, p int) USING delta PARTITIONED BY (p) LOCATION '{path}'",
        "INSERT INTO {t} VALUES (1, 1), (2, 2)", "INSERT OVERWRITE {t} VALUES (3, 1)",
        "INSERT INTO {t} REPLACE WHERE p = 1 VALUES (4, 1)", "CREATE OR REPLACE TABLE replaced (b string) USING delta",
        "INSERT INTO {t} VALUES ('x')", "RESTORE TABLE {t} TO VERSION AS OF 1"]),
    "INT96 and legacy lists": dict(make=[
        "SET spark.sql.parquet.outputTimestampType = INT96", "SET spark.sql.parquet.writeLegacyFormat = true",
        "CREATE TABLE {t} (ts timestamp, l array<int>, de decimal(9,2), m map<string, int>) USING delta",
        "INSERT INTO {t} VALUES (timestamp'1600-01-01 00:00:00.000001', array(1, NULL), 1.25, map('a', 1)), "
        "(timestamp'2024-01-01 12:00:00.123456', NULL, NULL, NULL)"]),
    "timestamps in milliseconds": dict(make=[
        "SET spark.sql.parquet.outputTimestampType = TIMESTAMP_MILLIS", "CREATE TABLE {t} (ts timestamp) USING delta",
        "INSERT INTO {t} VALUES (timestamp'1600-01-01 00:00:00.001'), (timestamp'9999-12-31 23:59:59.999')"]),
    "optimized by Z-order": dict(make=[
        "CREATE TABLE {t} (a int, b int) USING delta", "INSERT INTO {t} SELECT id, -id FROM range(50)",
        "INSERT INTO {t} SELECT id, -id FROM range(50)", "OPTIMIZE {t} ZORDER BY (a, b)"]),
}


@pytest.fixture
def settings(spark):
    """Runs statements; what SET changed is as it was afterwards."""
    changed = []

    def run(statement):
        if statement.startswith("SET "):
            changed.append(statement.split()[1])
        spark.sql(statement)

    yield run
    for name in changed:
        spark.conf.unset(name)


def refusal(answer):
    """The feature that an answer names, or None when there is no refusal."""
    if answer.status_code == 200:
        return None
    assert (answer.status_code, answer.json()["reason"]) == (501, "UNSUPPORTED_TABLE_FEATURE"), answer.text
    return answer.json()["detail"]


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_spark(server, spark, settings, matrix, name):
    case, table = TABLES[name], name.replace(" ", "_")
    folder = server.stores["local"] / table
    for statement in case["make"]:
        settings(statement.format(t=f"delta.`{folder}`", path=folder))
    if feature := case.get("refused"):
        refused = refusal(server.query(f'SELECT * FROM "{table}"', table))
        assert refused and feature in refused
        matrix(name, "we read", f"refused: {feature}")
        return

    first, last = 0, latest_version(server, table)
    if case.get("from_checkpoint"):
        log = folder / "_delta_log"
        first = max(int(file.name[:20]) for file in log.glob("[0-9]*.checkpoint.*"))
        for version in range(first):
            (log / f"{version:020}.json").unlink()
    for version in range(first, last + 1):
        rows = by_spark(spark, folder, version=version)
        assert seen(by_us(server, table, version=version)) == seen(rows), version
        counted = by_us(server, table, f'SELECT count(*) FROM "{table}" AT (VERSION => {version})')
        assert counted.column(0).to_pylist() == [rows.num_rows], version
    matrix(name, "we read", f"equal, versions {first}-{last}")

    names = by_us(server, table, f'SELECT * FROM "{table}" LIMIT 0').column_names
    before = sorted_rows(by_us(server, table))
    refused = refusal(server.append(table, case.get("row") or {column: [None] for column in names}))
    if feature := case.get("appends"):
        assert refused and feature in refused
        assert sorted_rows(by_us(server, table)) == before
        matrix(name, "we append", f"refused: {feature}")
    else:
        assert refused is None, refused
        ours = by_us(server, table)
        assert ours.num_rows == len(before) + 1
        assert seen(by_spark(spark, folder)) == seen(ours)
        matrix(name, "we append", "Spark reads it")
