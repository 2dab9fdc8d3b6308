#pragma once
// Results as JSON: an object of columns for each batch.

#include <memory>

#include "yummy/server/result_encoder.h"

namespace yummy::server {

/// `braces`: the objects are the elements of one array; else they stand one after another.
std::unique_ptr<ResultEncoder> MakeJsonEncoder(bool braces);

}  // namespace yummy::server
