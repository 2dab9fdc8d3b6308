#pragma once
// An answer. It is whole, or a stream whose pieces are made when the client can take them.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "yummy/base/result.h"

namespace yummy::server {

/// The rest of an answer. Blocks. Worker threads call it, one at a time.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  /// Appends the next piece to `out`; false if it was the last one. After an error the server cuts the connection, so
  /// that no client takes a broken answer for a short one.
  virtual Result<bool> Next(std::string& out) = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // the whole body, or the part before the stream
  std::unique_ptr<BodyStream> stream;

  static Response Json(std::string body);
};

}  // namespace yummy::server
