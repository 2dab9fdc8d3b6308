#pragma once
// Converts DuckDB's exceptions to our errors and back. Nothing else does that.

#include <string_view>
#include <type_traits>
#include <utility>

#include "yummy/base/error.h"
#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Throws `error` as a DuckDB exception from inside a callback of DuckDB. The extra info of the exception holds code,
/// reason, details and message, so that ToError returns an equal error. It is never an INTERNAL exception, because that
/// would invalidate the instance.
[[noreturn]] void Throw(const Error& error);

/// The same as a value, for callbacks that return an error (CommitTransaction).
duckdb::ErrorData ToErrorData(const Error& error);

/// Returns the value, or throws the error.
template <typename T>
T ValueOrThrow(Result<T> result) {
  if (!result.ok()) [[unlikely]]
    Throw(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

/// The error that Throw has put in, otherwise the kind of the exception as one of our codes. If the error has a
/// position, it counts in the text `sql`, and the details "line" and "column" are set (both from 1, columns in code
/// points).
Error ToError(const duckdb::ErrorData& data, std::string_view sql = {});

/// True for the errors after which a DuckDB instance refuses all work (INTERNAL, FATAL).
bool InvalidatesInstance(const duckdb::ErrorData& data);

/// The exception that is being handled, as ErrorData. Call it only inside a catch block.
duckdb::ErrorData CurrentException();

/// Runs `body`, which returns a Result. An exception of DuckDB becomes an error.
template <typename Body>
auto CatchErrors(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    return ToError(CurrentException());
  }
}

}  // namespace yummy::duck
