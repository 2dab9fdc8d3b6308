"""The types of columns: how Delta, Arrow and DuckDB name them, and how a value is written as SQL and as Python."""

import datetime
import decimal
import math
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

decimal.getcontext().prec = 100  # no digit of a decimal(38,s) is rounded
UTC = datetime.timezone.utc
# delta: (Arrow, DuckDB, family)
PRIMITIVES = {
    "byte": (pa.int8(), "TINYINT", "integer"), "short": (pa.int16(), "SMALLINT", "integer"),
    "integer": (pa.int32(), "INTEGER", "integer"), "long": (pa.int64(), "BIGINT", "integer"),
    "float": (pa.float32(), "FLOAT", "float"), "double": (pa.float64(), "DOUBLE", "float"),
    "string": (pa.string(), "VARCHAR", "string"), "binary": (pa.binary(), "BLOB", "binary"),
    "boolean": (pa.bool_(), "BOOLEAN", "boolean"), "date": (pa.date32(), "DATE", "date"),
    "timestamp": (pa.timestamp("us", tz="UTC"), "TIMESTAMPTZ", "timestamp"),
    "timestamp_ntz": (pa.timestamp("us"), "TIMESTAMP", "timestamp_ntz"),
    "hugeint": (pa.decimal128(38, 0), "HUGEINT", "integer"),  # of no column: what sums of integers are
}
FLOAT_MAX = 3e38
INTEGER_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64, "hugeint": 128}


@dataclass(frozen=True)
class Kind:
    """A type. `fields` holds (name, kind) of a struct, ("element", kind) of an array, ("key", …) and ("value", …) of a map."""
    delta: str  # as the log has it; nested types as their repr
    arrow: pa.DataType
    sql: str
    family: str
    fields: tuple = ()

    @property
    def is_nested(self):
        return bool(self.fields)


def primitive(name):
    """The kind that the log calls so; `decimal(p,s)`, too."""
    if name.startswith("decimal"):
        precision, scale = decimal_shape(name)
        return Kind(name, pa.decimal128(precision, scale), f"DECIMAL({precision},{scale})", "decimal")
    return Kind(name, *PRIMITIVES[name])


def decimal_shape(name):
    return tuple(int(digits) for digits in name[len("decimal("):-1].split(","))


def struct(**fields):
    return Kind("struct", pa.struct([pa.field(name, kind.arrow) for name, kind in fields.items()]),
                "STRUCT(" + ", ".join(f'"{name}" {kind.sql}' for name, kind in fields.items()) + ")", "struct", tuple(fields.items()))


def array(element):
    return Kind("array", pa.list_(element.arrow), f"{element.sql}[]", "array", (("element", element),))


def map_of(key, value):
    return Kind("map", pa.map_(key.arrow, value.arrow), f"MAP({key.sql}, {value.sql})", "map", (("key", key), ("value", value)))


def as_python(kind):
    """An expression that makes the kind again."""
    if kind.family == "struct":
        return "struct(" + ", ".join(f"{name}={as_python(field)}" for name, field in kind.fields) + ")"
    if kind.is_nested:
        made = {"array": "array", "map": "map_of"}[kind.family]
        return f"{made}({', '.join(as_python(field) for _, field in kind.fields)})"
    return f"primitive({kind.delta!r})"


def delta_type(kind, field_of=None, path=()):
    """The type as the log has it. `field_of(path, type)` makes a struct's field of its path and its type as the log has it."""
    parts = [delta_type(part, field_of, (*path, name)) for name, part in kind.fields]
    if kind.family == "struct":
        made = field_of or (lambda path, type: {"name": path[-1], "type": type, "nullable": True, "metadata": {}})
        return {"type": "struct", "fields": [made((*path, name), part) for (name, _), part in zip(kind.fields, parts)]}
    if kind.family == "array":
        return {"type": "array", "elementType": parts[0], "containsNull": True}
    if kind.family == "map":
        return {"type": "map", "keyType": parts[0], "valueType": parts[1], "valueContainsNull": True}
    return kind.delta


def float_text(value):
    """`NaN` with its sign, for SQL and for people."""
    if math.isnan(value):
        return "-nan" if math.copysign(1.0, value) < 0 else "nan"
    return repr(value)


def value_as_python(value):
    """An expression that makes the value again, the sign of a NaN included."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"-float('{float_text(value)[1:]}')" if float_text(value).startswith("-") else f"float('{float_text(value)}')"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name!r}: {value_as_python(field)}" for name, field in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(value_as_python(item) for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(value) == 1 else ''})"
    return repr(value)


def literal(value, kind):
    """The value as SQL, of exactly this type."""
    if value is None:
        return f"CAST(NULL AS {kind.sql})"
    if kind.family == "struct":
        inside = ", ".join(f"'{name}': {literal(value[name], field)}" for name, field in kind.fields)
        return f"CAST({{{inside}}} AS {kind.sql})"
    if kind.family == "array":
        return f"CAST([{', '.join(literal(item, kind.fields[0][1]) for item in value)}] AS {kind.sql})"
    if kind.family == "map":
        columns = zip(*value) if value else ((), ())
        keys, values = (", ".join(literal(item, field) for item in items) for items, (_, field) in zip(columns, kind.fields))
        return f"CAST(MAP([{keys}], [{values}]) AS {kind.sql})"
    if kind.family == "boolean":
        return str(value)
    return f"CAST({quoted(text_of(value, kind))} AS {kind.sql})"


def text_of(value, kind):
    """The text that DuckDB casts to the value."""
    if kind.family == "float":
        return float_text(value)
    if kind.family == "binary":
        return "".join(f"\\x{byte:02X}" for byte in value)
    if kind.family == "decimal":
        return f"{value:f}"
    return value if kind.family == "string" else str(value)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def fits(value, kind):
    """Whether a number casts to the kind without an error. A float rounds first: the ends of the range are left out."""
    if value is None:
        return True
    if kind.family == "integer":
        bound = 2 ** (INTEGER_BITS[kind.delta] - 1) - 1
        return (not isinstance(value, float) or math.isfinite(value)) and -bound < value < bound
    if kind.family == "decimal":
        precision, scale = decimal_shape(kind.delta)
        return not isinstance(value, float) and abs(Decimal(value)) < Decimal(10) ** (precision - scale) - 1
    return kind.delta != "float" or not math.isfinite(value) or abs(value) < FLOAT_MAX
