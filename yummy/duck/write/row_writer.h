#pragma once
// Takes the rows of one statement and writes them to its data files.

#include <memory>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

class RowWriter {
 public:
  /// The rows that one thread holds back.
  class Local {
   public:
    virtual ~Local() = default;
  };

  virtual ~RowWriter() = default;

  virtual std::unique_ptr<Local> MakeLocal() = 0;
  /// Takes rows in the layout's columns. Their vectors may be flattened.
  virtual void Write(Local& local, duckdb::DataChunk& rows) = 0;
  /// Takes what a thread still holds back; its last call.
  virtual void Combine(Local& local) = 0;
  /// Writes the rest and finishes all files. After every thread's Combine, once.
  virtual void Finish() = 0;
};

}  // namespace yummy::duck
