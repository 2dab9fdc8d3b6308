#include "yummy/base/exception.h"

#include <exception>
#include <new>
#include <string>

namespace yummy {

Error OutOfMemory() {
  return Error(ErrorCode::kResourceExhausted, "the memory of the process is used up").WithReason(Reason::kOutOfMemory);
}

Error CaughtException() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  } catch (const std::exception& exception) {
    return Error(ErrorCode::kInternal, std::string("an exception: ") + exception.what());
  } catch (...) {
    return Error(ErrorCode::kInternal, "an exception of an unknown type");
  }
}

}  // namespace yummy
