#pragma once
// One value of a primitive column: a partition value, a bound of a file, a constant of a predicate.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "yummy/base/decimal_text.h"
#include "yummy/base/result.h"
#include "yummy/base/time_text.h"
#include "yummy/delta/schema/schema.h"

namespace yummy::delta {

using yummy::Int128;

/// Null, or a value in the form that its type has here:
///   boolean: bool; byte, short, integer, long: int64_t; date: int64_t days; timestamp, timestamp_ntz: int64_t
///   microseconds since the epoch; float, double: double; decimal: Int128, unscaled, at the type's scale; string,
///   binary: std::string.
class Scalar {
 public:
  using Storage = std::variant<std::monostate, bool, int64_t, double, Int128, std::string>;
  Scalar() = default;
  explicit Scalar(Storage storage) : storage_(std::move(storage)) {}

  bool is_null() const { return storage_.index() == 0; }
  const Storage& storage() const { return storage_; }
  template <typename T>
  const T& get() const {
    return std::get<T>(storage_);
  }

  /// Orders two values of one type; NaN is above every other double and equal to itself, -0.0 equals 0.0 (Spark's
  /// order). Strings and binaries by unsigned bytes. Neither may be null.
  static std::weak_ordering Compare(const Scalar& a, const Scalar& b);
  /// Equality; null equals null.
  friend bool operator==(const Scalar& a, const Scalar& b);

 private:
  Storage storage_;
};

/// A partition value as the log has it; an absent or empty text is null (for every type: PROTOCOL.md, "Partition Value
/// Serialization"). Timestamps with neither zone nor offset are read as UTC. Errors: Corrupt (reason CORRUPT_TABLE) for
/// a text that is no value of the type.
Result<Scalar> ParsePartitionValue(std::optional<std::string_view> text, const DataType& type);

/// The text for the log: absent for null; timestamps as 2024-01-02T03:04:05.000006Z, timestamp_ntz as 2024-01-02
/// 03:04:05.000006.
std::optional<std::string> FormatPartitionValue(const Scalar& value, const DataType& type);

/// A bound of the statistics, JSON text of a string, number or boolean. Absent when the text is no value of the type:
/// statistics that lie or are unreadable never fail a query.
std::optional<Scalar> ParseStatisticsValue(std::string_view json, const DataType& type);
/// The JSON text of a bound. Timestamps are cut to milliseconds downwards.
std::string FormatStatisticsValue(const Scalar& value, const DataType& type);

using yummy::FormatDate;
using yummy::FormatDecimal;
using yummy::FormatTimestamp;
using yummy::ParseDate;
using yummy::ParseDecimal;
using yummy::ParseTimestamp;

}  // namespace yummy::delta
