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
  /// Takes the rows that a thread still holds back. It is the last call for this Local.
  virtual void Combine(Local& local) = 0;
  /// Writes the remaining rows and finishes all files. Call it once, after all calls of Combine.
  virtual void Finish() = 0;
};

}  // namespace yummy::duck
