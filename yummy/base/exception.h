#pragma once
// Exceptions that reach a border of ours, as errors.

#include <utility>

#include "yummy/base/error.h"

namespace yummy {

/// ResourceExhausted (OUT_OF_MEMORY), for whoever learns of it by a value.
Error OutOfMemory();

/// The exception that is being handled: OutOfMemory() for std::bad_alloc, else Internal. To be called inside a
/// catch block only.
Error CaughtException();

/// Runs `body`, which returns a Result; what it throws becomes an error, as CaughtException tells it.
template <typename Body>
auto CatchExceptions(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    return CaughtException();
  }
}

}  // namespace yummy
