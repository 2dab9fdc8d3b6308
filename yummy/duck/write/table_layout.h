#pragma once
// The columns of the table that a statement writes, and where each of them goes.

#include <string>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/delta/protocol/actions.h"
#include "yummy/delta/protocol/table_properties.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

struct TableLayout {
  delta::Schema schema;
  delta::TableProperties properties;
  std::vector<std::string> partition_names;         // logical, as the metadata has them
  duckdb::vector<duckdb::LogicalType> types;        // of schema, by logical names
  duckdb::vector<duckdb::idx_t> partition_columns;  // positions in schema, in the metadata's order
  duckdb::vector<duckdb::idx_t>
      file_columns;                        // positions in schema, in its order: what data files hold; no void columns
  duckdb::vector<std::string> file_names;  // of file_columns: physical
  duckdb::vector<duckdb::LogicalType> file_types;  // of file_columns, nested fields by physical names

  /// Errors: Corrupt (a partition column that is no column), Unsupported (a type that cannot be written,
  /// UNSUPPORTED_TYPE).
  static Result<TableLayout> Make(const delta::Metadata& metadata, const delta::Schema& schema);
};

}  // namespace yummy::duck
