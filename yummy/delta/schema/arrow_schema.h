#pragma once
// Delta types as Arrow's: for record batches that cross between modules.

#include <memory>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/delta/schema/schema.h"

namespace yummy::delta {

/// byte int8 … long int64, float, double, decimal128, utf8, binary, date32, timestamp(us, "UTC"), timestamp_ntz
/// timestamp(us), void null, struct, array list("element"), map("key", "value"). Nullability as the field's. Errors:
/// Unsupported (variant).
Result<std::shared_ptr<arrow::DataType>> ToArrowType(const DataType& type);
Result<std::shared_ptr<arrow::Schema>> ToArrowSchema(const Schema& schema);

/// The Delta type that holds every value of the Arrow type exactly: unsigned integers grow, dictionaries are read
/// through. Errors: Unsupported (time, interval, union …).
Result<DataType> FromArrowType(const arrow::DataType& type);
Result<Schema> FromArrowSchema(const arrow::Schema& schema);

}  // namespace yummy::delta
