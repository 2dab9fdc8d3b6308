#pragma once
// Errors of a RecordBatchReader that is handed to Lake::Append or Overwrite: what ToStatus puts into a status comes back whole.

#include "yummy/duck/arrow_error.h"

namespace yummy::lake {

using duck::ToError;
using duck::ToStatus;

}  // namespace yummy::lake
