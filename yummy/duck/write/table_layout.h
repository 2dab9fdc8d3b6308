#pragma once
// The columns of the table that a statement writes, and the place of each in data files and partition values.

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
  std::vector<std::string> partition_names;         // logical names, as in the metadata
  duckdb::vector<duckdb::LogicalType> types;        // of schema, by logical names
  duckdb::vector<duckdb::idx_t> partition_columns;  // positions in schema, in the metadata's order
  duckdb::vector<duckdb::idx_t>
      file_columns;  // positions in schema of the columns of data files, in order; no void columns
  duckdb::vector<std::string> file_names;          // physical names of file_columns
  duckdb::vector<duckdb::LogicalType> file_types;  // types of file_columns; nested fields have physical names

  /// Errors: Corrupt (a partition column that does not exist), Unsupported (UNSUPPORTED_TYPE: a type that cannot be
  /// written).
  static Result<TableLayout> Make(const delta::Metadata& metadata, const delta::Schema& schema);
};

}  // namespace yummy::duck
