#pragma once
// JSON bodies of create and SQL (docs/rest.md, "Routes").

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/lake/lake.h"

namespace yummy::server {

struct CreateBody {
  std::string table;
  table::Create create;
};

/// {"table", "schema": [{name,type,nullable,metadata?}] or a whole StructType, "partition_columns", "comment",
/// "configuration", "mode", "dry_run"}, each key in both spellings. Errors: InvalidArgument (INVALID_JSON,
/// DUPLICATE_KEY, JSON_TOO_DEEP, UNKNOWN_KEY, MISSING_KEY, TYPE_MISMATCH, INVALID_SCHEMA; detail pointer).
Result<CreateBody> DecodeCreateBody(std::string_view body, size_t depth_max);

struct UpdateBody {
  table::Update update;
};

/// {"set": {column: SQL expression, …}, "where": SQL condition}. Errors: as DecodeCreateBody.
Result<UpdateBody> DecodeUpdateBody(std::string_view body, size_t depth_max);

struct SqlBody {
  std::string sql;
  std::optional<std::string> format;
  std::vector<duck::Parameter> parameters;
  std::vector<std::pair<std::string, duck::Parameter>> named_parameters;
};

/// {"sql", "parameters": [..] or {..}, "format"}. Errors: as DecodeCreateBody.
Result<SqlBody> DecodeSqlBody(std::string_view body, size_t depth_max);

}  // namespace yummy::server
