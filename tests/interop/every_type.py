"""A column of every type with values at its edges, and partition values that invite mistakes."""

TYPES = {
    "byte": ("byte", [1, -128, None]), "short": ("short", [2, -32768, None]), "integer": ("integer", [3, -2**31, None]),
    "long": ("long", [4, 2**63 - 1, None]), "float": ("float", [0.5, -1.25, None]), "double": ("double", [0.1, 1e300, None]),
    "decimal": ("decimal(20,4)", ["1.2345", "-9999999999999999.9999", None]),
    "string": ("string", ["ascii", "日本 \"quoted\" \\ \n żółw", None]), "binary": ("binary", [[0, 255], [], None]),
    "boolean": ("boolean", [True, False, None]), "date": ("date", ["2024-02-29", "1600-01-01", None]),
    "timestamp": ("timestamp", ["2024-02-29T12:00:00.123456Z", "1969-12-31T23:59:59.999999Z", None]),
    "timestamp_ntz": ("timestamp_ntz", ["2024-02-29T12:00:00.123456", "1900-01-01T00:00:00", None]),
    "struct": ({"type": "struct", "fields": [{"name": "a", "type": "long", "nullable": True, "metadata": {}},
                                             {"name": "b", "type": "string", "nullable": True, "metadata": {}}]},
               [{"a": 1, "b": "x"}, {"a": None, "b": None}, None]),
    "array": ({"type": "array", "elementType": "integer", "containsNull": True}, [[1, None, 3], [], None]),
    "map": ({"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": True},
            [{"k": 1, "ż": None}, {}, None]),
    "deep": ({"type": "array", "elementType": {"type": "struct", "fields": [
        {"name": "m", "type": {"type": "map", "keyType": "integer", "valueType": {
            "type": "array", "elementType": "string", "containsNull": True}, "valueContainsNull": True},
         "nullable": True, "metadata": {}}]}, "containsNull": True},
             [[{"m": [{"key": 1, "value": ["a", None]}]}, None], [], None]),
}

HOSTILE = ["plain", "a/b", "a=b", "50%", "%2F", "a b", "'quoted\"", "日本", "a\\b", "x:y", "#?&+", "tab\tline\n", ".", "..", "", None,
           "__HIVE_DEFAULT_PARTITION__x"]
