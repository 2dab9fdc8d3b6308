"""Statistics of a file as writers put them into the log: complete, left out in part, cut, or rounded."""

import json
import math
from decimal import Decimal

TEXT_LENGTH = 4
LAST_CHARACTER = "\U0010ffff"


def statistics(columns, mode):
    """JSON for `add.stats`, None for a file without. A column is (name in the log, kind with such names, values)."""
    if mode == "none":
        return None
    facts = {"numRecords": len(columns[0][2])}
    if mode != "rows":
        facts |= facts_of(columns[:len(columns) // 2 + 1] if mode == "partial" else columns, mode)
    return exact_json(facts)


def facts_of(columns, mode):
    """The bounds and numbers of nulls; a struct's are those of its fields."""
    facts = {"minValues": {}, "maxValues": {}, "nullCount": {}}
    for name, kind, values in columns:
        if kind.family == "struct":
            fields = [(field, of_field, [value and value[field] for value in values]) for field, of_field in kind.fields]
            found = facts_of(fields, mode)
        else:
            low, high = bounds_of(kind, [value for value in values if value is not None], mode)
            found = {"minValues": low, "maxValues": high, "nullCount": sum(value is None for value in values)}
        for fact, value in found.items():
            if value is not None and value != {}:
                facts[fact][name] = value
    return facts


def bounds_of(kind, present, mode):
    """The lowest and the highest value as JSON has them; None where there is none to tell."""
    if kind.family in ("array", "map", "binary", "boolean") or not present:
        return None, None
    if kind.family == "float":
        numbers = [value for value in present if not math.isnan(value)]
        if not numbers:
            return None, None
        hides = len(numbers) < len(present) and mode != "without nan"  # NaN is above all numbers
        return float_bound(min(numbers)), None if hides else float_bound(max(numbers))
    low, high = min(present), max(present)
    if kind.family == "string":
        return (low[:TEXT_LENGTH], cut_above(high)) if mode == "truncated" else (low, high)
    if kind.family == "decimal":
        return (float(low), float(high)) if mode == "doubles" else (low, high)
    if kind.family in ("timestamp", "timestamp_ntz"):
        return time_bound(kind, low, mode), time_bound(kind, high, mode)
    return (low.isoformat(), high.isoformat()) if kind.family == "date" else (low, high)


def float_bound(value):
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


def time_bound(kind, value, mode):
    """Cut ones lose what is finer than a millisecond, also at the upper end: readers add it."""
    text = value.replace(tzinfo=None).isoformat(timespec="milliseconds" if mode == "truncated" else "microseconds")
    return text + ("Z" if kind.family == "timestamp" else "")


def cut_above(text):
    """A short text that is not below the text."""
    return text if len(text) <= TEXT_LENGTH else text[:TEXT_LENGTH] + LAST_CHARACTER


def exact_json(value):
    """JSON in which a decimal is a number with all its digits."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {exact_json(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
