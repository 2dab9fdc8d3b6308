#pragma once
// Converts Delta types to Arrow types and back, for the record batches that modules exchange.

#include <memory>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/delta/schema/schema.h"

namespace yummy::delta {

/// byte int8 … long int64, float, double, decimal128, utf8, binary, date32, timestamp(us, "UTC"), timestamp_ntz
/// timestamp(us), void null, struct, array list("element"), map("key", "value"). Nullability is that of the field.
/// Errors: Unsupported (variant).
Result<std::shared_ptr<arrow::DataType>> ToArrowType(const DataType& type);
Result<std::shared_ptr<arrow::Schema>> ToArrowSchema(const Schema& schema);

/// The Delta type that holds every value of the Arrow type exactly. Unsigned integers become a wider type; a dictionary
/// has the type of its values. Errors: Unsupported (time, interval, union …).
Result<DataType> FromArrowType(const arrow::DataType& type);
Result<Schema> FromArrowSchema(const arrow::Schema& schema);

}  // namespace yummy::delta
