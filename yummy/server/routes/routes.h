#pragma once
// The routes of docs/rest.md: which handler answers a method and a path.

#include <span>

#include "yummy/server/http/route.h"

namespace yummy::server {

std::span<const Route> AllRoutes();

}  // namespace yummy::server
