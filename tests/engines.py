"""Other engines that read what this one wrote."""

import glob
import importlib.util
from pathlib import Path

import duckdb


def open_duckdb():
    """DuckDB with the delta extension of the wheel duckdb-extension-delta; after an internal error it needs another."""
    folder = Path(importlib.util.find_spec("duckdb_extension_delta").submodule_search_locations[0])
    extension = next(iter(glob.glob(str(folder / "**" / "*.duckdb_extension"), recursive=True)))
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.execute(f"LOAD '{extension}'")
    connection.execute("SET TimeZone = 'UTC'")
    return connection
