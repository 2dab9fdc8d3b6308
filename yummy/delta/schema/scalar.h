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

/// Null, or a value. The type decides how it is stored:
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

  /// Orders two values of one type, as Spark does: NaN is above every other double and equals itself, and -0.0 equals
  /// 0.0. Strings and binaries are compared by unsigned bytes. Neither value may be null.
  static std::weak_ordering Compare(const Scalar& a, const Scalar& b);
  /// Equality; null equals null.
  friend bool operator==(const Scalar& a, const Scalar& b);

 private:
  Storage storage_;
};

/// Parses a partition value of the log. An absent or empty text is null for every type (PROTOCOL.md, "Partition Value
/// Serialization"). A timestamp without zone and offset is read as UTC. Errors: Corrupt (reason CORRUPT_TABLE: the text
/// is not a value of the type).
Result<Scalar> ParsePartitionValue(std::optional<std::string_view> text, const DataType& type);

/// The text for the log; absent for null. timestamp has the form 2024-01-02T03:04:05.000006Z, timestamp_ntz the form
/// "2024-01-02 03:04:05.000006".
std::optional<std::string> FormatPartitionValue(const Scalar& value, const DataType& type);

/// Parses a bound in the statistics: the JSON text of a string, number or boolean. Absent if the text is not a value of
/// the type, because unreadable statistics must never fail a query.
std::optional<Scalar> ParseStatisticsValue(std::string_view json, const DataType& type);
/// The JSON text of a bound. Timestamps are rounded down to milliseconds.
std::string FormatStatisticsValue(const Scalar& value, const DataType& type);

using yummy::FormatDate;
using yummy::FormatDecimal;
using yummy::FormatTimestamp;
using yummy::ParseDate;
using yummy::ParseDecimal;
using yummy::ParseTimestamp;

}  // namespace yummy::delta
