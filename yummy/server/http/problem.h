#pragma once
// Errors as HTTP answers: the one table of statuses, and application/problem+json (RFC 9457).

#include <string>
#include <string_view>

#include "yummy/base/error.h"

namespace yummy::server {

/// The status of an error: its reason's when that has a finer one, else its code's.
int HttpStatus(const Error& error);

/// "Not Found" for 404.
std::string_view StatusText(int status);

/// The problem document: type, title, status, detail, code, reason, request_id, and the error's details.
std::string ProblemJson(const Error& error, std::string_view request_id);

/// True when the caller may simply try again.
bool IsRetryable(const Error& error);

}  // namespace yummy::server
