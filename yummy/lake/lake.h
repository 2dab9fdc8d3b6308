#pragma once
// Many tables in many stores: the façade that the server and the command line call.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "yummy/base/context.h"
#include "yummy/base/result.h"
#include "yummy/duck/session.h"
#include "yummy/lake/config.h"
#include "yummy/lake/name.h"
#include "yummy/table/change.h"
#include "yummy/table/create.h"
#include "yummy/table/write.h"

namespace yummy::lake {

struct StoreInfo {
  std::string store;
  std::string path;  // without secrets
};

struct TableList {
  std::string store;
  std::string path;
  std::vector<std::string> tables;  // sorted; "schema.table" for tables of a schema folder
  std::optional<std::string> next_page_token;
};

struct TablePageRequest {
  size_t limit = 0;        // 0: all
  std::string page_token;  // next_page_token of the page before; empty: the first page
};

/// Which version of a table to read. By default it is the newest.
struct Travel {
  std::optional<int64_t> version;
  std::optional<int64_t> timestamp_micros;
};

struct TableInfo {
  std::string store;
  std::string path;  // the table's full path
  std::string table;
  std::string schema_json;  // the Delta schema string
  int64_t version = 0;
  std::string id;
  std::optional<std::string> comment;
  std::vector<std::string> partition_columns;
  delta::StringMap configuration;
  std::vector<std::string> features;
  int64_t files = 0;
  int64_t size_bytes = 0;
  std::optional<int64_t> rows;
};

/// A running query and the versions that it reads.
struct RunningQuery {
  std::unique_ptr<duck::Session> session;  // first, because it must outlive the result; absent for a kept result
  std::unique_ptr<duck::QueryResult> result;
  std::optional<int64_t> version;  // the version of the addressed table
  bool is_kept = false;            // the result comes from the cache (result_cache.h)
};

struct QueryRequest {
  std::string sql;
  std::optional<TableRef> table;  // the addressed table; its store is the default store, its version may be pinned
  Travel travel;
  std::vector<duck::Parameter> parameters;
  std::vector<std::pair<std::string, duck::Parameter>> named_parameters;
  bool may_write = false;  // INSERT, UPDATE, DELETE, TRUNCATE and MERGE run, too
};

class Lake {
 public:
  /// Opens every store. A folder that does not exist yet is created when something is first written to it.
  static Result<std::unique_ptr<Lake>> Open(const Config& config);
  ~Lake();

  std::vector<StoreInfo> Stores() const;
  /// Errors: NotFound (STORE_NOT_FOUND), PermissionDenied, Unavailable.
  Result<TableList> Tables(const Context& context, const std::string& store, const TablePageRequest& request = {});
  /// Splits "schema.table" according to the folders of the store. Errors: InvalidArgument (INVALID_NAME), NotFound
  /// (STORE_NOT_FOUND).
  Result<TableRef> Resolve(const Context& context, const std::string& store, const std::string& table);

  Result<TableInfo> Describe(const Context& context, const TableRef& table, const Travel& travel);
  /// The columns that rows are decoded to: types as table::Write takes them, nullability as the table's.
  Result<std::shared_ptr<arrow::Schema>> SchemaForWriting(const Context& context, const TableRef& table);
  /// Runs a verb of `yummy/table` on a table. A new table gets the store's defaults. Errors: those of the verb with the
  /// detail "table"; NotFound (TABLE_NOT_FOUND) for a verb that makes no table.
  template <class Verb>
  Result<typename Verb::Report> Run(const Context& context, const TableRef& table, Verb verb);
  /// Starts a SELECT, or returns its kept result if none of its tables has changed.
  /// Errors: as duck::Session::Query.
  Result<RunningQuery> Query(const Context& context, const QueryRequest& request);

  const Config& config() const;

 private:
  struct State;
  explicit Lake(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace yummy::lake
