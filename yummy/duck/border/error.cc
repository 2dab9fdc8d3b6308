#include "yummy/duck/border/error.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include <fmt/format.h>

#include "yummy/base/url.h"

namespace yummy::duck {
namespace {

using duckdb::ExceptionType;

// The keys of our error in an exception's extra info. Values are percent-encoded, because DuckDB passes the exception
// on as JSON, and values may hold bytes that are not UTF-8.
constexpr const char* kCodeKey = "yummy_code";
constexpr const char* kReasonKey = "yummy_reason";
constexpr const char* kMessageKey = "yummy_message";
constexpr std::string_view kDetailPrefix = "yummy_detail_";
constexpr std::string_view kReadable = " !#$&'()*+,/:;=?@[]_-.";

// The kind of exception that carries an error. An interrupt ends a query without further processing. Every part of
// DuckDB rethrows an IO exception unchanged and never retries.
ExceptionType CarrierType(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCancelled:
    case ErrorCode::kDeadlineExceeded: return ExceptionType::INTERRUPT;
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kUnauthenticated: return ExceptionType::PERMISSION;
    case ErrorCode::kInvalidArgument: return ExceptionType::INVALID_INPUT;
    default: return ExceptionType::IO;
  }
}

// A zero byte becomes U+FFFD, because url.h refuses %00.
std::string Encode(std::string text) {
  for (size_t zero = text.find('\0'); zero != std::string::npos; zero = text.find('\0', zero))
    text.replace(zero, 1, "\xEF\xBF\xBD");
  return PercentEncode(text, kReadable);
}

std::unordered_map<std::string, std::string> Pack(const Error& error) {
  std::unordered_map<std::string, std::string> info;
  info[kCodeKey] = std::to_string(static_cast<int>(error.code()));
  info[kMessageKey] = Encode(error.message());
  if (error.reason() != Reason::kNone) info[kReasonKey] = ReasonName(error.reason());
  int position = 0;
  for (const auto& [key, value] : error.details()) {
    info[fmt::format("{}{:03}_{}", kDetailPrefix, position++, PercentEncode(key, "_"))] = Encode(value);
  }
  return info;
}

std::string Decode(const std::string& text) {
  auto decoded = PercentDecode(text);
  return decoded.ok() ? *decoded : text;
}

std::optional<Error> Unpack(const duckdb::ErrorData& data) {
  const auto& info = data.ExtraInfo();
  auto code = info.find(kCodeKey);
  if (code == info.end() || code->second.empty() || code->second.size() > 2) return std::nullopt;
  int number = std::atoi(code->second.c_str());
  if (number < 0 || number >= kErrorCodeCount) return std::nullopt;
  auto message = info.find(kMessageKey);
  Error error(static_cast<ErrorCode>(number), message == info.end() ? data.RawMessage() : Decode(message->second));
  if (auto reason = info.find(kReasonKey); reason != info.end())
    error = std::move(error).WithReason(ReasonOfName(reason->second));
  std::map<std::string, std::string> details;
  for (const auto& [key, value] : info) {
    if (key.starts_with(kDetailPrefix) && key.size() > kDetailPrefix.size() + 4)
      details[key.substr(kDetailPrefix.size())] = value;
  }
  for (const auto& [key, value] : details) error = std::move(error).With(Decode(key.substr(4)), Decode(value));
  return error;
}

struct Kind {
  ErrorCode code;
  Reason reason;
};

Kind KindOfMissingEntry(const std::string& type) {
  if (type == "Table" || type == "View" || type == "Table or View")
    return {ErrorCode::kNotFound, Reason::kTableNotFound};
  if (type == "Schema") return {ErrorCode::kNotFound, Reason::kSchemaNotFound};
  if (type == "Database") return {ErrorCode::kNotFound, Reason::kStoreNotFound};
  if (type.ends_with("Function") || type.ends_with("Macro Function"))
    return {ErrorCode::kInvalidArgument, Reason::kUnknownFunction};
  if (type == "Type") return {ErrorCode::kInvalidArgument, Reason::kUnknownType};
  return {ErrorCode::kInvalidArgument, Reason::kSqlInvalid};
}

std::string Find(const duckdb::ErrorData& data, const char* key) {
  auto found = data.ExtraInfo().find(key);
  return found == data.ExtraInfo().end() ? std::string() : found->second;
}

Kind KindOf(const duckdb::ErrorData& data) {
  switch (data.Type()) {
    case ExceptionType::PARSER:
    case ExceptionType::SYNTAX: return {ErrorCode::kInvalidArgument, Reason::kSqlSyntax};
    case ExceptionType::BINDER:
      if (Find(data, "error_subtype") == "COLUMN_NOT_FOUND")
        return {ErrorCode::kInvalidArgument, Reason::kUnknownColumn};
      if (Find(data, "error_subtype") == "NO_MATCHING_FUNCTION")
        return {ErrorCode::kInvalidArgument, Reason::kUnknownFunction};
      return {ErrorCode::kInvalidArgument, Reason::kSqlInvalid};
    case ExceptionType::CATALOG:
      if (Find(data, "error_subtype") == "MISSING_ENTRY") return KindOfMissingEntry(Find(data, "type"));
      return {ErrorCode::kInvalidArgument, Reason::kSqlInvalid};
    case ExceptionType::OUT_OF_RANGE:
    case ExceptionType::CONVERSION:
    case ExceptionType::DECIMAL:
    case ExceptionType::DIVIDE_BY_ZERO:
    case ExceptionType::OBJECT_SIZE: return {ErrorCode::kInvalidArgument, Reason::kValueOutOfRange};
    case ExceptionType::MISMATCH_TYPE:
    case ExceptionType::INVALID_TYPE:
    case ExceptionType::UNKNOWN_TYPE:
    case ExceptionType::INVALID_INPUT:
    case ExceptionType::EXPRESSION:
    case ExceptionType::CONSTRAINT:
    case ExceptionType::PARAMETER_NOT_RESOLVED:
    case ExceptionType::PARAMETER_NOT_ALLOWED:
    case ExceptionType::PLANNER:
    case ExceptionType::SETTINGS:
    case ExceptionType::INVALID_CONFIGURATION:
    case ExceptionType::DEPENDENCY:
    case ExceptionType::SEQUENCE: return {ErrorCode::kInvalidArgument, Reason::kSqlInvalid};
    case ExceptionType::NOT_IMPLEMENTED: return {ErrorCode::kUnsupported, Reason::kUnsupportedSql};
    case ExceptionType::PERMISSION:
    case ExceptionType::MISSING_EXTENSION:
    case ExceptionType::AUTOLOAD: return {ErrorCode::kPermissionDenied, Reason::kSqlNotAllowed};
    case ExceptionType::OUT_OF_MEMORY: return {ErrorCode::kResourceExhausted, Reason::kQueryMemory};
    case ExceptionType::INTERRUPT: return {ErrorCode::kCancelled, Reason::kNone};
    case ExceptionType::TRANSACTION: return {ErrorCode::kConflict, Reason::kNone};
    case ExceptionType::IO:
    case ExceptionType::NETWORK:
    case ExceptionType::HTTP:
    case ExceptionType::CONNECTION: return {ErrorCode::kUnavailable, Reason::kNone};
    default: return {ErrorCode::kInternal, Reason::kNone};
  }
}

// The first line. The lines after it repeat candidates and an excerpt of the statement, which are in the details.
std::string FirstLine(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.pop_back();
  return line;
}

// The message. Where DuckDB names its internal functions, it uses the words of the statement instead.
std::string MessageOf(const duckdb::ErrorData& data) {
  std::string message = FirstLine(data.RawMessage());
  // DuckDB's parser fails like this when it quotes a table name with too many parts.
  if (message == "NameListToString NOT IMPLEMENTED")
    return "the name of a table has too many parts: it is store.schema.table at most";
  return message;
}

struct LineColumn {
  size_t line = 1;
  size_t column = 1;
};

LineColumn Locate(std::string_view sql, size_t position) {
  LineColumn at;
  for (size_t i = 0; i < std::min(position, sql.size()); ++i) {
    if (sql[i] == '\n') {
      ++at.line;
      at.column = 1;
    } else if ((static_cast<unsigned char>(sql[i]) & 0xC0) != 0x80) {  // not a continuation byte of UTF-8
      ++at.column;
    }
  }
  return at;
}

Error WithPosition(Error error, const duckdb::ErrorData& data, std::string_view sql) {
  std::string position = Find(data, "position");
  if (sql.empty() || position.empty()) return error;
  LineColumn at = Locate(sql, std::strtoull(position.c_str(), nullptr, 10));
  return std::move(error).With("line", std::to_string(at.line)).With("column", std::to_string(at.column));
}

}  // namespace

void Throw(const Error& error) { throw duckdb::Exception(Pack(error), CarrierType(error.code()), error.message()); }

duckdb::ErrorData ToErrorData(const Error& error) {
  return duckdb::ErrorData(duckdb::Exception(Pack(error), CarrierType(error.code()), error.message()));
}

Error ToError(const duckdb::ErrorData& data, std::string_view sql) {
  if (auto own = Unpack(data)) return WithPosition(*std::move(own), data, sql);
  Kind kind = KindOf(data);
  Error error(kind.code, MessageOf(data));
  error = std::move(error).WithReason(kind.reason);
  if (std::string name = Find(data, "name"); !name.empty()) error = std::move(error).With("name", name);
  // For a missing table, schema or store DuckDB suggests internal ones, which cannot be read.
  const bool offers_internals = kind.code == ErrorCode::kNotFound;
  if (std::string candidates = Find(data, "candidates"); !candidates.empty() && !offers_internals) {
    error = std::move(error).With("hint", "did you mean: " + candidates);
  }
  return WithPosition(std::move(error), data, sql);
}

bool InvalidatesInstance(const duckdb::ErrorData& data) {
  return data.Type() == ExceptionType::INTERNAL || data.Type() == ExceptionType::FATAL;
}

duckdb::ErrorData CurrentException() {
  try {
    throw;
  } catch (const std::exception& exception) {
    return duckdb::ErrorData(exception);
  } catch (...) {
    return duckdb::ErrorData(ExceptionType::EXECUTOR, "an exception of an unknown type");
  }
}

}  // namespace yummy::duck
