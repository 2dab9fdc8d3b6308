#pragma once
// Holds a body of unknown size: in memory while it is small, in an unnamed temporary file once it is larger.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <arrow/io/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::server {

class Spool {
 public:
  /// Refuses more than `bytes_max`. A body of more than `memory_bytes_max` goes to a file.
  Spool(uint64_t bytes_max, uint64_t memory_bytes_max);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// Errors: ResourceExhausted (reason TOO_LARGE; STORE_FULL when the temporary folder is full), Unavailable.
  Result<void> Append(std::string_view bytes);

  uint64_t size_bytes() const { return size_bytes_; }
  /// The whole content if it is in memory. A content up to the memory limit always is.
  const std::string& memory() const { return memory_; }
  bool in_memory() const { return file_ < 0; }

  /// `length` bytes from `offset`; fewer only at the end.
  Result<std::string> Read(uint64_t offset, size_t length) const;
  /// The content from its beginning. The spool must outlive the stream.
  std::shared_ptr<arrow::io::InputStream> Stream() const;

 private:
  uint64_t bytes_max_;
  uint64_t memory_bytes_max_;
  uint64_t size_bytes_ = 0;
  std::string memory_;
  int file_ = -1;
};

}  // namespace yummy::server
