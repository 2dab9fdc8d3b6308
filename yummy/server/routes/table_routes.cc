#include "yummy/server/routes/table_routes.h"

#include <algorithm>
#include <charconv>

#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <fmt/format.h>

#include "yummy/base/json.h"
#include "yummy/base/time_text.h"
#include "yummy/format/result/result_encoder.h"
#include "yummy/format/rows/rows_arrow.h"
#include "yummy/format/rows/rows_infer.h"
#include "yummy/format/rows/rows_json.h"
#include "yummy/server/http/route.h"
#include "yummy/server/http/spool.h"
#include "yummy/server/routes/body_json.h"

namespace yummy::server {

namespace {

constexpr size_t kWholeBytesMax = 64 << 10;  // an answer up to this size is sent whole
constexpr size_t kPieceBytes = 256 << 10;    // a streamed answer is sent in pieces of about this size
constexpr size_t kTablesPageMax = 10'000;

const std::string& StoreOf(const Request& request) { return request.path[3]; }

Result<lake::TableRef> TableOf(lake::Lake& lake, const Request& request) {
  return lake.Resolve(request.context, StoreOf(request), request.path[4]);
}

Error InvalidParameter(std::string_view name, std::string_view value, std::string_view expected) {
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("'{}' must be {}, not '{}'", name, expected, value.substr(0, 80)))
      .WithReason(Reason::kInvalidParameter);
}

Result<lake::Travel> TravelOf(const QueryParameters& parameters) {
  lake::Travel travel;
  const auto version = parameters.Find("table_version");
  const auto date = parameters.Find("table_date");
  if (version && date) {
    return Error(ErrorCode::kInvalidArgument, "'tableVersion' and 'tableDate' exclude each other")
        .WithReason(Reason::kInvalidParameter);
  }
  if (version) {
    int64_t value = 0;
    const auto [end, status] = std::from_chars(version->data(), version->data() + version->size(), value);
    if (status != std::errc() || end != version->data() + version->size() || value < 0) {
      return InvalidParameter("tableVersion", *version, "a version: a whole number from 0");
    }
    travel.version = value;
  }
  if (date) {
    // A '+' before the zone arrives as a space when the client did not escape it.
    std::string text(*date);
    if (const size_t space = text.rfind(' '); space != std::string::npos && space > 10) text[space] = '+';
    auto micros = ParseTimestamp(text);
    if (!micros) {
      if (const auto days = ParseDate(text)) micros = *days * 86'400'000'000;
    }
    if (!micros) return InvalidParameter("tableDate", *date, "an RFC 3339 time or a date");
    travel.timestamp_micros = *micros;
  }
  return travel;
}

// Pulls batches from the query and encodes them until there is enough for one piece.
class QueryStream final : public BodyStream {
 public:
  QueryStream(lake::RunningQuery query, std::unique_ptr<format::ResultEncoder> encoder)
      : query_(std::move(query)), encoder_(std::move(encoder)) {}

  Result<bool> Next(std::string& out) override { return Fill(out, kPieceBytes); }

  Result<bool> Fill(std::string& out, size_t bytes) {
    if (!begun_) {
      TRY(encoder_->Begin(query_.result->schema(), out));
      begun_ = true;
    }
    while (out.size() < bytes) {
      const auto batch = TRY(query_.result->Next());
      if (batch == nullptr) {
        TRY(encoder_->End(out));
        return false;
      }
      TRY(encoder_->Batch(*batch, out));
    }
    return true;
  }

 private:
  lake::RunningQuery query_;
  std::unique_ptr<format::ResultEncoder> encoder_;
  bool begun_ = false;
};

Result<Response> AnswerQuery(lake::Lake& lake, const Request& request, const lake::QueryRequest& query,
                             format::ResultFormat format) {
  lake::RunningQuery running = TRY(lake.Query(request.context, query));
  Response response;
  response.content_type = format::ContentType(format);
  // RFC 9211
  if (running.is_kept) response.headers.emplace_back("Cache-Status", "yummy-delta; hit");
  if (running.version) response.headers.emplace_back("Yummy-Table-Version", std::to_string(*running.version));
  auto stream = std::make_unique<QueryStream>(std::move(running), format::MakeResultEncoder(format));
  if (TRY(stream->Fill(response.body, kWholeBytesMax))) response.stream = std::move(stream);
  return response;
}

// The format of an answer: that of the parameter, otherwise the first in the Accept header that we offer.
Result<format::ResultFormat> FormatOf(std::optional<std::string_view> parameter, const Request& request) {
  if (parameter) {
    if (*parameter == "json") return format::ResultFormat::kJson;
    if (*parameter == "arrow") return format::ResultFormat::kArrow;
    return InvalidParameter("format", *parameter, "one of json, arrow");
  }
  if (!request.accept) return format::ResultFormat::kJson;
  std::string_view rest = *request.accept;
  while (!rest.empty()) {
    std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    const bool refused =
        item.find("q=0,") != std::string_view::npos || item.ends_with("q=0") || item.ends_with("q=0.0");
    item = item.substr(0, item.find(';'));
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (refused) continue;
    if (item == kArrowStream) return format::ResultFormat::kArrow;
    if (item == "*/*" || item == "application/*" || item == "application/json") return format::ResultFormat::kJson;
  }
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("no offered format is acceptable: application/json, {}", kArrowStream))
      .WithReason(Reason::kNotAcceptable);
}

Result<format::ResultFormat> FormatOf(const QueryParameters& parameters, const Request& request) {
  const format::ResultFormat format = TRY(FormatOf(parameters.Find("format"), request));
  const bool braces = TRY(parameters.Flag("braces", true));
  return format == format::ResultFormat::kJson && !braces ? format::ResultFormat::kJsonBraceless : format;
}

Result<std::string_view> RequiredText(const QueryParameters& parameters, std::string_view name) {
  const auto value = parameters.Find(name);
  if (!value) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("the query parameter '{}' is missing", name))
        .WithReason(Reason::kMissingParameter);
  }
  return *value;
}

struct DecodedRows {
  std::shared_ptr<arrow::RecordBatchReader> reader;
  bool dry_run = false;
};

/// The columns that a JSON body is decoded for.
Result<std::shared_ptr<arrow::Schema>> ColumnsToDecode(std::string_view body, std::shared_ptr<arrow::Schema> of_table,
                                                       table::SchemaMode mode) {
  if (mode == table::SchemaMode::kKeep) return of_table;
  arrow::FieldVector columns = TRY(format::InferColumns(body, *of_table));
  if (mode == table::SchemaMode::kReplace) return arrow::schema(std::move(columns));
  arrow::FieldVector merged = of_table->fields();
  for (auto& column : columns) {
    if (std::find(merged.begin(), merged.end(), column) == merged.end()) merged.push_back(std::move(column));
  }
  return arrow::schema(std::move(merged));
}

Result<table::SchemaMode> SchemaModeOf(const QueryParameters& parameters, const Request& request) {
  const auto mode = parameters.Find("schema_mode");
  const bool overwrites = request.method == "PUT";
  if (!mode) return table::SchemaMode::kKeep;
  if (*mode == "merge") return table::SchemaMode::kMerge;
  if (*mode == "overwrite" && overwrites) return table::SchemaMode::kReplace;
  return InvalidParameter("schemaMode", *mode, overwrites ? "merge or overwrite" : "merge");
}

Result<std::optional<format::TimestampUnit>> TimestampUnitOf(const QueryParameters& parameters,
                                                             const Request& request) {
  const auto unit = parameters.Find("timestamp_unit");
  if (!unit) return std::optional<format::TimestampUnit>();
  if (request.content_type == kArrowStream) {
    return Error(ErrorCode::kInvalidArgument,
                 "'timestampUnit' is for JSON: the timestamps of an Arrow body have a unit")
        .WithReason(Reason::kInvalidParameter);
  }
  if (*unit == "s") return std::optional(format::TimestampUnit::kSecond);
  if (*unit == "ms") return std::optional(format::TimestampUnit::kMilli);
  if (*unit == "us") return std::optional(format::TimestampUnit::kMicro);
  if (*unit == "ns") return std::optional(format::TimestampUnit::kNano);
  return InvalidParameter("timestampUnit", *unit, "one of s, ms, us, ns");
}

Result<DecodedRows> DecodeRows(lake::Lake& lake, const Request& request, const lake::TableRef& table,
                               table::SchemaMode mode, std::optional<format::TimestampUnit> timestamp_unit) {
  if (request.content_type == kArrowStream)
    return DecodedRows{TRY(format::ReadArrowStream(request.body->Stream())), false};
  const auto schema = TRY(lake.SchemaForWriting(request.context, table));
  const auto columns = TRY(ColumnsToDecode(request.body->memory(), schema, mode));
  format::RowsBody body = TRY(format::DecodeRowsJson(
      request.body->memory(), *columns,
      {.depth_max = lake.config().limits.json_depth, .columns = {.timestamp_unit = timestamp_unit}}));
  auto reader = arrow::RecordBatchReader::Make({body.rows}, body.rows->schema());
  if (!reader.ok()) return Error(ErrorCode::kInternal, reader.status().ToString());
  return DecodedRows{*reader, body.dry_run};
}

Result<Response> WriteRows(lake::Lake& lake, const Request& request, table::WriteMode write_mode) {
  std::vector<std::string> known = {"dry_run", "schema_mode", "timestamp_unit"};
  if (write_mode == table::WriteMode::kOverwrite) known.emplace_back("replace_where");
  const auto parameters = TRY(QueryParameters::Parse(request, known));
  const table::SchemaMode mode = TRY(SchemaModeOf(parameters, request));
  const auto timestamp_unit = TRY(TimestampUnitOf(parameters, request));
  const lake::TableRef table = TRY(TableOf(lake, request));
  DecodedRows rows = TRY(DecodeRows(lake, request, table, mode, timestamp_unit));
  const auto condition = parameters.Find("replace_where");
  table::Write write{.mode = write_mode,
                     .rows = std::move(rows.reader),
                     .schema_mode = mode,
                     .replace_where = condition ? std::optional<std::string>(*condition) : std::nullopt,
                     .dry_run = rows.dry_run || TRY(parameters.Flag("dry_run", false))};
  const table::WriteReport report = TRY(lake.Run(request.context, table, std::move(write)));
  JsonWriter json;
  json.BeginObject();
  json.Key("table");
  json.String(request.path[4]);
  json.Key("version");
  json.Int(report.version);
  json.Key("rows");
  json.Int(report.change.inserted);
  json.Key("committed");
  json.Bool(report.committed);
  json.EndObject();
  Response response = Response::Json(json.Take());
  response.headers.emplace_back("Yummy-Table-Version", std::to_string(report.version));
  return response;
}

}  // namespace

Response Response::Json(std::string body) {
  Response response;
  response.body = std::move(body);
  return response;
}

Result<Response> ListStores(lake::Lake& lake, const Request& request) {
  TRY(QueryParameters::Parse(request, {}));
  JsonWriter json;
  json.BeginObject();
  json.Key("stores");
  json.BeginArray();
  for (const auto& store : lake.Stores()) {
    json.BeginObject();
    json.Key("store");
    json.String(store.store);
    json.Key("path");
    json.String(store.path);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return Response::Json(json.Take());
}

Result<Response> ListTables(lake::Lake& lake, const Request& request) {
  const auto parameters = TRY(QueryParameters::Parse(request, {"limit", "page_token"}));
  lake::TablePageRequest page;
  if (const auto limit = parameters.Find("limit")) {
    const auto [end, status] = std::from_chars(limit->data(), limit->data() + limit->size(), page.limit);
    if (status != std::errc() || end != limit->data() + limit->size() || page.limit < 1 || page.limit > kTablesPageMax)
      return InvalidParameter("limit", *limit, fmt::format("a whole number from 1 to {}", kTablesPageMax));
  }
  page.page_token = parameters.Find("page_token").value_or("");
  const lake::TableList list = TRY(lake.Tables(request.context, StoreOf(request), page));
  JsonWriter json;
  json.BeginObject();
  json.Key("store");
  json.String(list.store);
  json.Key("path");
  json.String(list.path);
  json.Key("tables");
  json.BeginArray();
  for (const auto& table : list.tables) json.String(table);
  json.EndArray();
  if (list.next_page_token) {
    json.Key("next_page_token");
    json.String(*list.next_page_token);
  }
  json.EndObject();
  return Response::Json(json.Take());
}

Result<Response> CreateTable(lake::Lake& lake, const Request& request) {
  TRY(QueryParameters::Parse(request, {}));
  CreateBody body = TRY(DecodeCreateBody(request.body->memory(), lake.config().limits.json_depth));
  const lake::TableRef table = TRY(lake.Resolve(request.context, StoreOf(request), body.table));
  const table::CreateReport report = TRY(lake.Run(request.context, table, std::move(body.create)));
  JsonWriter json;
  json.BeginObject();
  json.Key("table");
  json.String(body.table);
  json.Key("version");
  json.Int(report.version);
  json.Key("created");
  json.Bool(report.created);
  json.EndObject();
  return Response::Json(json.Take());
}

Result<Response> QueryTable(lake::Lake& lake, const Request& request) {
  const auto parameters =
      TRY(QueryParameters::Parse(request, {"query", "braces", "table_version", "table_date", "format"}));
  lake::QueryRequest query;
  query.sql = TRY(RequiredText(parameters, "query"));
  query.travel = TRY(TravelOf(parameters));
  const format::ResultFormat format = TRY(FormatOf(parameters, request));
  query.table = TRY(TableOf(lake, request));
  return AnswerQuery(lake, request, query, format);
}

Result<Response> DescribeTable(lake::Lake& lake, const Request& request) {
  const auto parameters = TRY(QueryParameters::Parse(request, {"table_version", "table_date"}));
  const lake::Travel travel = TRY(TravelOf(parameters));
  const lake::TableInfo info = TRY(lake.Describe(request.context, TRY(TableOf(lake, request)), travel));
  JsonWriter json;
  json.BeginObject();
  const auto text = [&](std::string_view key, std::string_view value) {
    json.Key(key);
    json.String(value);
  };
  const auto texts = [&](std::string_view key, const std::vector<std::string>& values) {
    json.Key(key);
    json.BeginArray();
    for (const auto& value : values) json.String(value);
    json.EndArray();
  };
  const auto number = [&](std::string_view key, int64_t value) {
    json.Key(key);
    json.Int(value);
  };
  text("store", info.store);
  text("path", info.path);
  text("table", info.table);
  json.Key("schema");
  json.Raw(info.schema_json);
  number("version", info.version);
  text("id", info.id);
  json.Key("comment");
  if (info.comment) {
    json.String(*info.comment);
  } else {
    json.Null();
  }
  texts("partition_columns", info.partition_columns);
  json.Key("configuration");
  json.BeginObject();
  for (const auto& [key, value] : info.configuration) text(key, value);
  json.EndObject();
  texts("features", info.features);
  number("files", info.files);
  number("size_bytes", info.size_bytes);
  json.Key("rows");
  if (info.rows) {
    json.Int(*info.rows);
  } else {
    json.Null();
  }
  json.EndObject();
  Response response = Response::Json(json.Take());
  response.headers.emplace_back("Yummy-Table-Version", std::to_string(info.version));
  return response;
}

Result<Response> AppendRows(lake::Lake& lake, const Request& request) {
  return WriteRows(lake, request, table::WriteMode::kAppend);
}
Result<Response> OverwriteRows(lake::Lake& lake, const Request& request) {
  return WriteRows(lake, request, table::WriteMode::kOverwrite);
}

namespace {
Response AnswerChange(const Request& request, const duck::ChangeOutcome& outcome) {
  const duck::ChangeReport& report = outcome.report;
  JsonWriter json;
  const auto number = [&](std::string_view key, int64_t value) {
    json.Key(key);
    json.Int(value);
  };
  json.BeginObject();
  json.Key("table");
  json.String(request.path[4]);
  number("version", outcome.version);
  json.Key("committed");
  json.Bool(outcome.committed);
  json.Key("metrics");
  json.BeginObject();
  number("rows_inserted", report.inserted);
  number("rows_updated", report.updated);
  number("rows_deleted", report.deleted);
  number("rows_copied", report.copied);
  number("files_added", report.files);
  number("files_removed", report.removed_files);
  number("deletion_vectors_added", report.vectors);
  number("bytes_written", report.size_bytes);
  json.EndObject();
  json.EndObject();
  Response response = Response::Json(json.Take());
  response.headers.emplace_back("Yummy-Table-Version", std::to_string(outcome.version));
  return response;
}
}  // namespace

Result<Response> UpdateRows(lake::Lake& lake, const Request& request) {
  TRY(QueryParameters::Parse(request, {}));
  UpdateBody body = TRY(DecodeUpdateBody(request.body->memory(), lake.config().limits.json_depth));
  const lake::TableRef table = TRY(TableOf(lake, request));
  return AnswerChange(request, TRY(lake.Run(request.context, table, std::move(body.update))));
}

Result<Response> DeleteRows(lake::Lake& lake, const Request& request) {
  const auto parameters = TRY(QueryParameters::Parse(request, {"where", "all"}));
  table::Delete verb;
  if (const auto where = parameters.Find("where")) verb.where = *where;
  const bool all = TRY(parameters.Flag("all", false));
  if (verb.where.has_value() == all) {
    return Error(ErrorCode::kInvalidArgument,
                 all ? "'where' and 'all' exclude each other" : "the query parameter 'where' is missing")
        .WithReason(all ? Reason::kInvalidParameter : Reason::kMissingParameter)
        .With("hint", "where=<condition> deletes the rows that satisfy it, all=true deletes all rows");
  }
  const lake::TableRef table = TRY(TableOf(lake, request));
  return AnswerChange(request, TRY(lake.Run(request.context, table, std::move(verb))));
}

Result<Response> GetSql(lake::Lake& lake, const Request& request) {
  const auto parameters = TRY(QueryParameters::Parse(request, {"sql", "format", "braces"}));
  lake::QueryRequest query;
  query.sql = TRY(RequiredText(parameters, "sql"));
  return AnswerQuery(lake, request, query, TRY(FormatOf(parameters, request)));
}

Result<Response> PostSql(lake::Lake& lake, const Request& request) {
  const auto parameters = TRY(QueryParameters::Parse(request, {"format", "braces"}));
  SqlBody body = TRY(DecodeSqlBody(request.body->memory(), lake.config().limits.json_depth));
  lake::QueryRequest query;
  query.sql = std::move(body.sql);
  query.parameters = std::move(body.parameters);
  query.named_parameters = std::move(body.named_parameters);
  query.may_write = true;
  format::ResultFormat format = TRY(FormatOf(parameters, request));
  if (body.format) format = TRY(FormatOf(std::optional<std::string_view>(*body.format), request));
  return AnswerQuery(lake, request, query, format);
}

}  // namespace yummy::server
