"""Whether two answers are the same."""

import math
from collections import Counter

import duckdb
import pyarrow as pa
from server import Refusal

# What DuckDB may meet in one plan and not in another that answers the same: a value that another condition leaves out first.
RUN_TIME_ERRORS = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)
EXACT_TIMES = {"timestamp": pa.int64(), "date32": pa.int32()}
SHOWN_ROWS = 12


def difference(statement, expected, found):
    """None when the answers are the same, else what differs, in words.

    Both fail: the same, if the server's error is about the statement and not about itself. A statement that may fail on a value need
    not fail in both, as the order of its conditions is not promised.
    """
    if isinstance(found, Refusal):
        if found.is_fault:
            return f"the server answered {found.status} {found.code}: {found.detail}"
        if isinstance(expected, Exception) or statement.may_fail:
            return None
        return f"the server refused: {found.detail}"
    if isinstance(expected, Exception):
        if statement.may_fail and isinstance(expected, RUN_TIME_ERRORS):
            return None
        return f"the server answered {found.num_rows} rows, DuckDB fails: {expected}"
    if expected.schema.names != found.schema.names:
        return f"columns: expected {expected.schema.names}, found {found.schema.names}"
    for name, left, right in zip(expected.schema.names, expected.schema.types, found.schema.types):
        if left != right:
            return f"the type of {name}: expected {left}, found {right}"
    if expected.equals(found) and not (statement.exact_zeros and any(map(needs_care, expected.schema.types))):
        return None  # Arrow finds zeros equal whatever their sign
    return row_difference(rows_of(expected, statement.exact_zeros), rows_of(found, statement.exact_zeros), statement.ordered)


def row_difference(expected, found, ordered):
    if ordered:
        if expected == found:
            return None
        place = next((place for place, rows in enumerate(zip(expected, found)) if rows[0] != rows[1]), min(len(expected), len(found)))
        return (f"{len(expected)} rows expected, {len(found)} found, first different at {place}:"
                f"\n  expected {expected[place:place + SHOWN_ROWS]}\n  found    {found[place:place + SHOWN_ROWS]}")
    missing, more = Counter(expected), Counter(found)
    if missing == more:
        return None
    return (f"{len(expected)} rows expected, {len(found)} found"
            f"\n  missing  {list((missing - more).elements())[:SHOWN_ROWS]}\n  too many {list((more - missing).elements())[:SHOWN_ROWS]}")


def rows_of(table, exact_zeros):
    """Rows that can be compared and hashed."""
    columns = []
    for column in table.columns:
        exact = EXACT_TIMES.get(str(column.type).split("[")[0])
        values = (column.cast(exact) if exact else column).to_pylist()
        columns.append([comparable(value, exact_zeros) for value in values] if needs_care(column.type) else values)
    return list(zip(*columns)) if columns else [()] * table.num_rows


def needs_care(type):
    return pa.types.is_floating(type) or pa.types.is_nested(type)


def comparable(value, exact_zeros):
    """NaN equals NaN, of whatever sign; zeros have their sign where it is certain."""
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        return "-0.0" if exact_zeros and value == 0 and math.copysign(1, value) < 0 else value
    if isinstance(value, dict):
        return tuple((name, comparable(item, exact_zeros)) for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(comparable(item, exact_zeros) for item in value)
    return value
