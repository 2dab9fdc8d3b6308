#pragma once
// Turns exceptions that reach one of our borders into errors.

#include <utility>

#include "yummy/base/error.h"

namespace yummy {

/// The error ResourceExhausted (OUT_OF_MEMORY), for code that learns of it by a return value.
Error OutOfMemory();

/// The exception that is being handled, as an error: OutOfMemory() for std::bad_alloc, Internal for all others. Call it
/// only inside a catch block.
Error CaughtException();

/// Runs `body`, which returns a Result. An exception becomes the error of CaughtException.
template <typename Body>
auto CatchExceptions(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    return CaughtException();
  }
}

}  // namespace yummy
