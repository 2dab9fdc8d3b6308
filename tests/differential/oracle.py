"""What is right: plain DuckDB, its optimiser off, over native tables that are made of the generator's own rows."""

import re

import duckdb
from tables import arrow_table

MEMORY_LIMIT = "4GB"
PLACEHOLDER = re.compile(r"\{(t\d+)(?:@(\d+))?\} AS (\w+)")


def for_server(sql, place):
    """The statement with its tables' names in the server. `{t0@2} AS a` is table t0 at version 2."""
    return PLACEHOLDER.sub(lambda found: f"{place}.{found[1]} AS {found[3]}" + (f" AT (VERSION => {found[2]})" if found[2] else ""), sql)


def tables_of(sql):
    return {found[1] for found in PLACEHOLDER.finditer(sql)}


class Oracle:
    """One set of tables. A version is loaded when a statement names it for the first time."""

    def __init__(self, tables):
        self.tables = {table.name: table for table in tables}
        self.loaded = set()
        self.connection = duckdb.connect(config={"threads": 1, "memory_limit": MEMORY_LIMIT, "temp_directory": ""})
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute("PRAGMA disable_optimizer")
        self.connection.execute("SET enable_progress_bar = false")

    def close(self):
        self.connection.close()

    def query(self, sql, parameters):
        """The answer as an Arrow table, or DuckDB's error."""
        try:
            native = PLACEHOLDER.sub(lambda found: f"{self.native(found[1], found[2])} AS {found[3]}", sql)
            return self.connection.execute(native, parameters or None).to_arrow_table()
        except (duckdb.Error, LookupError) as error:
            return error

    def native(self, name, version):
        """The name of the native table with these rows."""
        native = f"{name}_at_{version}" if version else name
        if native not in self.loaded:
            table = self.tables[name]
            rows = table.rows(int(version) if version else None)
            if rows is None:
                raise LookupError(f"{name} has no version {version}")
            self.connection.register("generated", arrow_table(table.columns, rows))
            self.connection.execute(f"CREATE TABLE {native} AS SELECT * FROM generated")
            self.connection.unregister("generated")
            self.loaded.add(native)
        return native
