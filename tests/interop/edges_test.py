"""Files that other readers leave out by our statistics, at the edges of each type.

Each condition is asked twice of each reader: once so that it may leave files out, once so that it cannot. Both answers must be the
same, and the same as ours.
"""

import pytest
from compare import by_deltalake, by_duckdb, by_us

# Values of each type, two of them in a file; a file of nulls comes after them.
VALUES = {
    "string": ["", "a", "x" * 40, "x" * 32, "x" * 31 + "y", "x" * 32 + "\x01", "é" * 40, "日本" * 20, "😀" * 33,
               "\U0010ffff" * 40, "\U0010ffff" * 31 + "a", "\ue000" * 33],
    "double": ["NaN", 1.0, "-Infinity", -1.5, 0.0, 2.5, -0.0, 1e308, 5e-324, "Infinity", -5e-324, "NaN"],
    "float": [0.0, -0.0, "NaN", "NaN", "Infinity", 1.5, 3.4e38, 1.401298464324817e-45],
    "decimal(38,0)": ["9" * 38, "-" + "9" * 38, "0", "1", "-1", "10000000000000000000000000000000000001"],
    "decimal(38,38)": ["0." + "9" * 38, "-0." + "9" * 38, "0." + "0" * 37 + "1", "0", "0.5", "-0." + "0" * 37 + "1"],
    "decimal(18,3)": ["999999999999999.999", "-999999999999999.999", "0.001", "-0.001", "900719925474099.123", "4"],
    "timestamp": ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999Z",
                  "1582-10-04T00:00:00.000001Z", "1582-10-15T00:00:00Z", "2024-02-29T12:00:00.0009Z", "2024-02-29T12:00:00.001Z"],
    "timestamp_ntz": ["0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "1969-12-31T23:59:59.999999", "1900-01-01T00:00:00",
                      "2024-02-29T12:00:00.123456", "2024-02-29T12:00:00.123999"],
    "date": ["0001-01-01", "9999-12-31", "1969-12-31", "1970-01-01", "1582-10-04", "1582-10-15"],
    "long": [2**63 - 1, -2**63, 0, 1, 2**53, 2**53 + 1],
    "byte": [127, -128, 0, 1],
    "boolean": [True, False, True, True],
}
OPERATORS = ("=", ">", "<=")
# Arrow's total order, in which -0.0 is below 0.0, is deltalake's own way to compare.
ZEROS = (0.0, -0.0)


def literal(kind, value, engine):
    if kind == "string":
        return f"'{value}'"
    if kind == "boolean":
        return str(value)
    if kind == "timestamp":
        return {"deltalake": f"arrow_cast('{value}', 'Timestamp(Microsecond, Some(\"UTC\"))')",
                "Spark": f"TIMESTAMP '{value}'"}.get(engine, f"TIMESTAMPTZ '{value}'")
    if kind == "timestamp_ntz":
        return {"deltalake": f"arrow_cast('{value}', 'Timestamp(Microsecond, None)')",
                "Spark": f"TIMESTAMP_NTZ '{value}'"}.get(engine, f"TIMESTAMP '{value}'")
    names = {"long": "BIGINT", "byte": "TINYINT", "float": "FLOAT"}
    return f"CAST('{value}' AS {names.get(kind, kind.upper())})"


def conditions(kind, engine, column):
    for value in VALUES[kind]:
        for operator in OPERATORS:
            yield value, f"{column} {operator} {literal(kind, value, engine)}"
    yield None, f"{column} IS NULL"
    yield None, f"{column} IS NOT NULL"


def ids(table):
    return sorted(table.column("id").to_pylist())


def answers(read, kind, engine):
    """[(value, condition, what it finds, what it finds when no file can be left out)]"""
    hidden = conditions(kind, engine, "(CASE WHEN id >= 0 THEN v END)")
    return [(value, condition, ids(read(condition)), ids(read(behind)))
            for (value, condition), (_, behind) in zip(conditions(kind, engine, "v"), hidden)]


def spark_answers(spark, folder, kind):
    """The same in one job: a query on its own costs Spark a large part of a second."""
    plain, hidden = (list(conditions(kind, "Spark", column)) for column in ("v", "(CASE WHEN id >= 0 THEN v END)"))
    parts = [f"SELECT {number} AS number, id FROM delta.`{folder}` WHERE {condition}"
             for number, (_, condition) in enumerate(plain)]
    parts += [f"SELECT {number} AS number, id FROM delta.`{folder}` WHERE {condition}"
              for number, (_, condition) in enumerate(hidden, len(plain))]
    found = [[] for _ in parts]
    for row in spark.sql(" UNION ALL ".join(parts)).collect():
        found[row.number].append(row.id)
    return [(value, condition, sorted(found[number]), sorted(found[number + len(plain)]))
            for number, (value, condition) in enumerate(plain)]


def make(server, kind, reader):
    table = f"{reader}_" + "".join(letter if letter.isalnum() else "_" for letter in kind)
    server.create(table, {"id": "long", "v": kind})
    values = [*VALUES[kind], None, None]
    for start in range(0, len(values), 2):
        answer = server.append(table, {"id": [start, start + 1], "v": values[start:start + 2]})
        assert answer.status_code == 200, answer.text
    return table, server.stores["local"] / table


@pytest.mark.parametrize("kind", VALUES)
def test_deltalake_and_duckdb_leave_out_the_right_files(server, duck, kind):
    table, folder = make(server, kind, "others")
    ours = answers(lambda condition: by_us(server, table, f"SELECT id FROM {table} WHERE {condition}"), kind, "us")
    readers = {"us": ours, "DuckDB": answers(lambda condition: by_duckdb(duck, folder, condition), kind, "DuckDB"),
               "deltalake": answers(lambda condition: by_deltalake(folder, condition), kind, "deltalake")}
    for reader, found in readers.items():
        for (value, condition, plain, hidden), (_, _, expected, _) in zip(found, ours):
            assert plain == hidden, (reader, condition)
            if reader != "deltalake" or value not in ZEROS:
                assert plain == expected, (reader, condition)


@pytest.mark.parametrize("kind", VALUES)
def test_spark_leaves_out_the_right_files(server, spark, kind):
    table, folder = make(server, kind, "spark")
    ours = answers(lambda condition: by_us(server, table, f"SELECT id FROM {table} WHERE {condition}"), kind, "us")
    for (_, condition, plain, hidden), (_, _, expected, _) in zip(spark_answers(spark, folder, kind), ours):
        assert plain == hidden, condition
        assert plain == expected, condition
