#pragma once
// Column types as people write them: "long", "decimal(10,2)", "array<long>", "map<string,int>",
// "struct<a:long,b:string>".

#include <string_view>

#include "yummy/base/result.h"
#include "yummy/lake/lake.h"

namespace yummy::server {

/// Parses a type, ignoring case. It takes the names in Delta's schema strings, and the usual names of these types in
/// SQL and Arrow. Errors: InvalidArgument (INVALID_SCHEMA).
Result<delta::DataType> ParseTypeText(std::string_view text);

}  // namespace yummy::server
