#include "yummy/duck/write/sequence_writer.h"

#include <cassert>
#include <utility>

namespace yummy::duck {

struct SequenceWriter::Buffer final : RowWriter::Local {
  std::unique_ptr<RowGroupBuffer> rows;
};

std::unique_ptr<RowWriter::Local> SequenceWriter::MakeLocal() { return std::make_unique<Buffer>(); }

void SequenceWriter::Write(Local& local, duckdb::DataChunk& rows) {
  auto& buffer = static_cast<Buffer&>(local).rows;
  if (!buffer) buffer = std::make_unique<RowGroupBuffer>(files_.context(), files_.format());
  buffer->Append(rows);
  if (buffer->full()) WriteRowGroup(std::move(buffer));
}

void SequenceWriter::Combine(Local& local) {
  auto rest = std::move(static_cast<Buffer&>(local).rows);
  if (!rest || rest->rows() == 0) return;
  // A small remainder would make a small row group, so the remainders of the threads are joined first.
  if (!rest->half_full()) {
    const std::lock_guard lock(mutex_);
    if (!remainder_) {
      remainder_ = std::move(rest);
    } else {
      remainder_->Combine(*rest);
      rest.reset();
      if (remainder_->half_full()) rest = std::move(remainder_);
    }
  }
  if (rest) WriteRowGroup(std::move(rest));
}

void SequenceWriter::WriteRowGroup(std::unique_ptr<RowGroupBuffer> buffer) {
  const auto encoding = buffer->encoding();
  std::shared_ptr<OpenFile> target;
  {
    const std::lock_guard lock(mutex_);
    auto& current = current_[static_cast<size_t>(encoding)];
    if (!current) {
      current = std::make_shared<OpenFile>();
      current->file = files_.Open({}, encoding);
    }
    // A file is finished only when no thread prepares a row group for it any more.
    target = current;
    target->preparing++;
  }
  // This runs outside of the lock, so that threads compress at the same time. If it throws, the statement fails, and no
  // file is finished.
  auto prepared = target->file->Prepare(std::move(buffer));
  bool last = false;
  {
    const std::lock_guard lock(mutex_);
    target->file->Append(std::move(prepared));
    target->preparing--;
    if (target->file->Reached(static_cast<uint64_t>(files_.layout().properties.target_file_size_bytes))) {
      target->retired = true;
      auto& current = current_[static_cast<size_t>(encoding)];
      if (current == target) current.reset();
    }
    last = target->retired && target->preparing == 0;
  }
  if (last) files_.Finish(*target->file);
}

void SequenceWriter::Finish() {
  if (remainder_) WriteRowGroup(std::move(remainder_));
  for (auto& current : current_) {
    if (!current) continue;
    assert(current->preparing == 0);
    files_.Finish(*current->file);
    current.reset();
  }
}

}  // namespace yummy::duck
