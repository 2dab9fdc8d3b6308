#pragma once
// Results as an Arrow IPC stream.

#include <memory>

#include "yummy/server/result_encoder.h"

namespace yummy::server {

std::unique_ptr<ResultEncoder> MakeArrowEncoder();

}  // namespace yummy::server
