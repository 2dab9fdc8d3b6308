#pragma once
// Column types as people write them: "long", "decimal(10,2)", "array<long>", "map<string,int>",
// "struct<a:long,b:string>".

#include <string_view>

#include "yummy/base/result.h"
#include "yummy/lake/lake.h"

namespace yummy::server {

/// Names as Delta's schema strings have them, and SQL's and Arrow's usual other names of the same types; case does not
/// matter. Errors: InvalidArgument (INVALID_SCHEMA).
Result<delta::DataType> ParseTypeText(std::string_view text);

}  // namespace yummy::server
