"""Random values of every type: few distinct ones, so that they repeat and meet, and those at the edges."""

import datetime
import struct as binary_struct
from decimal import Decimal

import kinds
from kinds import UTC, Kind

EPOCH = datetime.datetime(1970, 1, 1)
STRINGS = ["", "a", "b", "ab", "abc", "B", "z", " ", "7", "12", "-3", "1.5", "true", "2024-02-29", "a%b", "a_b", "it's", "é", "日本", "😀", "ż\\ó",
           "\U0010ffff", "a\x01", "x" * 31 + "y", "x" * 32, "x" * 32 + "\x01", "x" * 40, "é" * 40, "\U0010ffff" * 33, "\ue000" * 33,
           "tab\tline\n", "\"quoted\"", "NaN", "null"]
BINARIES = [b"", b"\x00", b"\x01", b"a", b"ab", b"\x10", b"\xff", b"\xff\xfe", b"\x80\x81", b"\x00\x00", b"\\x41", "é".encode(), b"x" * 40, b"\xff" * 33]
DATES = [datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(1969, 12, 31), datetime.date(1970, 1, 1),
         datetime.date(1582, 10, 4), datetime.date(1582, 10, 15), datetime.date(2024, 2, 29)]
TIMES = [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), datetime.datetime(1969, 12, 31, 23, 59, 59, 999999),
         datetime.datetime(1970, 1, 1), datetime.datetime(1900, 1, 1), datetime.datetime(2024, 2, 29, 12, 0, 0, 900),
         datetime.datetime(2024, 2, 29, 12, 0, 0, 1000), datetime.datetime(2024, 2, 29, 12, 0, 0, 123456)]
NAN = float("nan")
FLOATS = [0.0, -0.0, NAN, -NAN, float("inf"), -float("inf"), 1.5, -1.5, 0.1, 1e30, -1e30, 2.0**24 + 1, 1e-40]
DOUBLES = [*FLOATS, 1.7976931348623157e308, 5e-324, 2.0**53, 2.0**63, 1e300]
# Sums of these are exact in any order, also with NaN.
TAME_FLOATS = [0.0, -0.0, 0.25, 0.5, 1.0, -1.0, 2.5, -3.75, 7.0, 100.0, -1024.5, 3.0]


def single(value):
    """The value as a FLOAT keeps it."""
    return binary_struct.unpack("<f", binary_struct.pack("<f", value))[0]


def edges(kind: Kind):
    """Values at which mistakes are made."""
    if kind.family == "integer":
        end = 2 ** min(kinds.INTEGER_BITS[kind.delta] - 1, 100)  # Arrow has no number of 128 bits, but 38 digits
        return [0, 1, -1, end - 1, -end]
    if kind.family == "decimal":
        precision, scale = kinds.decimal_shape(kind.delta)
        return [Decimal(digits).scaleb(-scale) for digits in (0, 1, -1, 10**precision - 1, 1 - 10**precision)]
    return {"float": [single(value) for value in FLOATS] if kind.delta == "float" else DOUBLES, "string": STRINGS, "binary": BINARIES,
            "boolean": [True, False], "date": DATES, "timestamp_ntz": TIMES, "timestamp": [time.replace(tzinfo=UTC) for time in TIMES]}[kind.family]


def ordinary(kind: Kind, random):
    """A value as most tables have them."""
    if kind.family == "integer":
        return random.randint(-100, 100) if kind.delta == "byte" or random.random() < 0.7 else random.randint(-30000, 30000)
    if kind.family == "float":
        return random.choice(TAME_FLOATS)
    if kind.family == "decimal":
        precision, scale = kinds.decimal_shape(kind.delta)
        digits = random.randint(1, precision)
        return Decimal(random.randint(1 - 10**digits, 10**digits - 1)).scaleb(-scale)
    if kind.family == "string":
        return random.choice("abcde") + random.choice(["", "1", "x", "ab", "%"]) + random.choice(["", "z", "é"])
    if kind.family == "binary":
        return random.randbytes(random.randint(0, 3))
    if kind.family == "date":
        return datetime.date(2020, 1, 1) + datetime.timedelta(days=random.randint(0, 2000))
    if kind.family in ("timestamp", "timestamp_ntz"):
        time = datetime.datetime(2020, 1, 1) + datetime.timedelta(microseconds=random.randint(0, 10**15) // 1000 * random.choice([1, 1000]))
        return time.replace(tzinfo=UTC) if kind.family == "timestamp" else time
    return random.random() < 0.5


def pool(kind: Kind, random):
    """Some distinct values. `edge_share` of a pool varies, so that there are columns without any edge."""
    edge_share = random.choice([0, 0, 0.3, 0.8])
    more = [NAN, -NAN] if kind.family == "float" and random.random() < 0.4 else []
    return more + [nested_or_edge(kind, random, edge_share) for _ in range(random.choice([2, 5, 12, 25]))]


def nested_or_edge(kind, random, edge_share):
    if kind.is_nested:
        return nested(kind, random, edge_share)
    return random.choice(edges(kind)) if random.random() < edge_share else ordinary(kind, random)


def nested(kind, random, edge_share):
    """Parts may be null; a map's keys may not, and differ."""
    def part(field):
        return None if random.random() < 0.2 else nested_or_edge(field, random, edge_share)

    if kind.family == "struct":
        return {name: part(field) for name, field in kind.fields}
    if kind.family == "array":
        return [part(kind.fields[0][1]) for _ in range(random.choice([0, 1, 2, 3]))]
    keys = {kinds.value_as_python(key): key for key in (nested_or_edge(kind.fields[0][1], random, 0) for _ in range(random.choice([0, 1, 2])))}
    return [(key, part(kind.fields[1][1])) for key in keys.values()]
