#pragma once
// The border between DuckDB's exceptions and our errors: the only place where one becomes the other.

#include <string_view>
#include <type_traits>
#include <utility>

#include "yummy/base/error.h"
#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Throws `error` as a DuckDB exception from inside a callback of DuckDB. Code, reason, details and message travel in
/// the exception's extra info: ToError gets the equal error back. Never an INTERNAL exception, which would invalidate
/// the instance.
[[noreturn]] void Throw(const Error& error);

/// The same as a value, for callbacks that return one (CommitTransaction).
duckdb::ErrorData ToErrorData(const Error& error);

/// The value, or a throw of its error.
template <typename T>
T ValueOrThrow(Result<T> result) {
  if (!result.ok()) [[unlikely]]
    Throw(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

/// The error that Throw put in, or the exception's kind as one of our codes.
/// `sql` is the text that a position in the error counts in: with it the details "line" and "column" (both from 1,
/// columns in code points) are set.
Error ToError(const duckdb::ErrorData& data, std::string_view sql = {});

/// True for the errors after which a DuckDB instance refuses all work (INTERNAL, FATAL).
bool InvalidatesInstance(const duckdb::ErrorData& data);

/// The exception that is being handled, as ErrorData. To be called inside a catch block only.
duckdb::ErrorData CurrentException();

/// Runs `body`, which returns a Result; what DuckDB throws becomes an error.
template <typename Body>
auto CatchErrors(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    return ToError(CurrentException());
  }
}

}  // namespace yummy::duck
