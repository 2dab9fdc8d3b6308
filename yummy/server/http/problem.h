#pragma once
// Turns errors into HTTP answers: the table of statuses, and application/problem+json (RFC 9457).

#include <string>
#include <string_view>

#include "yummy/base/error.h"

namespace yummy::server {

/// The status of an error: that of its reason if it has one, otherwise that of its code.
int HttpStatus(const Error& error);

/// "Not Found" for 404.
std::string_view StatusText(int status);

/// The problem document: type, title, status, detail, code, reason, request_id, and the error's details.
std::string ProblemJson(const Error& error, std::string_view request_id);

/// True when the caller may simply try again.
bool IsRetryable(const Error& error);

}  // namespace yummy::server
