#include "yummy/duck/engine/streaming_result.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "yummy/duck/border/arrow_types.h"
#include "yummy/duck/border/error.h"
#include "yummy/duck/border/null_keys.h"
#include "yummy/duck/border/row_bytes.h"
#include "yummy/duck/engine/database_state.h"
#include "yummy/duck/state/watchdog.h"

namespace yummy::duck {
namespace {

// A batch is returned once it has about this many bytes, so that wide rows do not fill the memory.
constexpr size_t kBatchBytesMax = 8 << 20;
// While other threads do the rest of the query, the calling thread checks this often before it sleeps; then it sleeps
// longer and longer. DuckDB has no signal for this.
constexpr int kYieldsMax = 32;
constexpr std::chrono::microseconds kPauseMin{10};
constexpr std::chrono::microseconds kPauseMax{1000};

// Columns of a result as they leave DuckDB, and the types to which they are cast before they become Arrow.
struct Columns {
  duckdb::vector<duckdb::LogicalType> types;
  std::vector<size_t> casts;  // positions of columns that need a cast
  std::vector<size_t> maps;   // positions of columns that contain maps
  std::shared_ptr<arrow::Schema> schema;

  static Result<Columns> Make(const duckdb::vector<duckdb::LogicalType>& types,
                              const duckdb::vector<std::string>& names) {
    Columns columns;
    arrow::FieldVector fields;
    for (size_t i = 0; i < types.size(); ++i) {
      columns.types.push_back(ArrowReadyType(types[i]));
      if (columns.types[i] != types[i]) columns.casts.push_back(i);
      if (HasMap(types[i])) columns.maps.push_back(i);
      fields.push_back(arrow::field(names[i], TRY(ArrowTypeOf(columns.types[i]))));
    }
    columns.schema = arrow::schema(std::move(fields));
    return columns;
  }
};

class StreamingResult final : public QueryResult {
 public:
  StreamingResult(SessionParts& session, const Context& context, std::string sql, size_t batch_rows_max)
      : session_(session),
        context_(context),
        sql_(std::move(sql)),
        batch_rows_max_(std::max<size_t>(batch_rows_max, 1)),
        watch_(session.database->state().watchdog, context_, *session.connection.context) {}

  ~StreamingResult() override { End(); }

  const std::shared_ptr<arrow::Schema>& schema() const override { return columns_.schema; }
  const std::optional<std::vector<TableRead>>& reads() const override { return reads_; }

  Result<void> Start(duckdb::unique_ptr<duckdb::SQLStatement> statement,
                     duckdb::case_insensitive_map_t<duckdb::BoundParameterData>& parameters) {
    return Ending([&]() -> Result<void> {
      pending_ = session_.connection.PendingQuery(std::move(statement), parameters,
                                                  duckdb::QueryResultOutputType::ALLOW_STREAMING);
      if (pending_->HasError()) return session_.Explain(pending_->GetErrorObject(), sql_);
      TRY(session_.CheckProperties(pending_->properties));
      columns_ = TRY(Columns::Make(pending_->types, pending_->names));
      reads_ = session_.request.reads();
      return {};
    });
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    if (ended_) return std::shared_ptr<arrow::RecordBatch>();
    return Ending([&] { return NextBatch(); });
  }

 private:
  // Runs a step. After any error the query is over.
  template <typename Step>
  auto Ending(Step&& step) -> decltype(step()) {
    auto result = [&]() -> decltype(step()) {
      try {
        return step();
      } catch (...) {
        return session_.Explain(CurrentException(), sql_);
      }
    }();
    if (!result.ok()) End();
    return result;
  }

  void End() {
    if (ended_) return;
    ended_ = true;
    if (!finished_) {
      session_.connection.Interrupt();
      session_.request.Stop();  // nobody waits for its requests to stores any more
    }
    stream_.reset();
    pending_.reset();
    session_.EndStatement();
  }

  Result<std::shared_ptr<arrow::RecordBatch>> NextBatch() {
    std::unique_ptr<duckdb::ArrowAppender> appender;
    size_t rows = 0;
    size_t bytes = 0;
    while (rows < batch_rows_max_ && bytes < kBatchBytesMax) {
      if (!chunk_ || chunk_used_ == chunk_->size()) {
        chunk_ = TRY(FetchChunk());
        chunk_used_ = 0;
        if (!chunk_) break;
        bytes += ChunkBytes();
        CastColumns();
        TRY(CheckKeys());
      }
      size_t count = std::min(chunk_->size() - chunk_used_, batch_rows_max_ - rows);
      if (!appender) appender = MakeAppender(count);
      appender->Append(*chunk_, chunk_used_, chunk_used_ + count, chunk_->size());
      chunk_used_ += count;
      rows += count;
    }
    if (!appender) {
      finished_ = true;
      End();
      return std::shared_ptr<arrow::RecordBatch>();
    }
    // After an interrupt, rows that were ready before must not be returned.
    TRY(context_.Check());
    ArrowArray array = appender->Finalize();
    auto batch = arrow::ImportRecordBatch(&array, columns_.schema);
    if (!batch.ok())
      return Error(ErrorCode::kInternal, "a batch cannot be handed to Arrow: " + batch.status().message());
    return *std::move(batch);
  }

  std::unique_ptr<duckdb::ArrowAppender> MakeAppender(size_t capacity) const {
    return std::make_unique<duckdb::ArrowAppender>(
        columns_.types, capacity, session_.connection.context->GetClientProperties(),
        std::unordered_map<duckdb::idx_t, const duckdb::shared_ptr<duckdb::ArrowTypeExtensionData>>());
  }

  void CastColumns() {
    if (columns_.casts.empty()) return;
    auto cast_chunk = duckdb::make_uniq<duckdb::DataChunk>();
    cast_chunk->Initialize(duckdb::Allocator::DefaultAllocator(), columns_.types, chunk_->size());
    for (size_t i = 0; i < columns_.types.size(); ++i) {
      if (columns_.types[i] == chunk_->data[i].GetType()) {
        cast_chunk->data[i].Reference(chunk_->data[i]);
      } else {
        duckdb::VectorOperations::Cast(*session_.connection.context, chunk_->data[i], cast_chunk->data[i],
                                       chunk_->size());
      }
    }
    cast_chunk->SetCardinality(chunk_->size());
    chunk_ = std::move(cast_chunk);
  }

  Result<void> CheckKeys() {
    for (const size_t i : columns_.maps) {
      if (!HasNullKey(chunk_->data[i], chunk_->size())) continue;
      return Error(ErrorCode::kInvalidArgument,
                   "a map of the result has a null key: cast its keys to a type that holds them")
          .WithReason(Reason::kValueOutOfRange)
          .With("column", columns_.schema->field(static_cast<int>(i))->name());
    }
    return {};
  }

  // Chunks with long texts come in slices (result_slices.h).
  uint64_t ChunkBytes() { return chunk_->GetAllocationSize() + TotalTextBytes(*chunk_); }

  // The next rows; null at the end.
  Result<duckdb::unique_ptr<duckdb::DataChunk>> FetchChunk() {
    TRY(context_.Check());
    if (!stream_) TRY(RunUntilRows());
    int waits = 0;
    duckdb::StreamExecutionResult state;
    auto& stream = stream_->Cast<duckdb::StreamQueryResult>();
    while (stream.IsOpen() && !duckdb::StreamQueryResult::IsChunkReady(state = ExecuteTask(stream))) {
      TRY(context_.Check());
      if (state == duckdb::StreamExecutionResult::BLOCKED) {
        stream.WaitForTask();
      } else if (state == duckdb::StreamExecutionResult::CHUNK_NOT_READY) {
        Pause(waits);
      }
    }
    if (stream.HasError()) return session_.Explain(stream.GetErrorObject(), sql_);
    if (!stream.IsOpen()) return duckdb::unique_ptr<duckdb::DataChunk>();
    auto chunk = stream.FetchRaw();
    if (stream.HasError()) return session_.Explain(stream.GetErrorObject(), sql_);
    if (chunk && chunk->size() == 0) chunk.reset();
    return chunk;
  }

  // An error on another thread interrupts this one. It may see the interrupt before it sees the error.
  duckdb::StreamExecutionResult ExecuteTask(duckdb::StreamQueryResult& stream) {
    try {
      return stream.ExecuteTask();
    } catch (const duckdb::InterruptException&) {
      auto& executor = session_.connection.context->GetExecutor();
      if (executor.HasError()) executor.ThrowException();
      throw;
    }
  }

  // Runs the query on this thread until its first rows are ready.
  Result<void> RunUntilRows() {
    int waits = 0;
    while (true) {
      duckdb::PendingExecutionResult state = pending_->ExecuteTask();
      if (duckdb::PendingQueryResult::IsResultReady(state)) break;
      TRY(context_.Check());
      if (state == duckdb::PendingExecutionResult::BLOCKED) {
        pending_->WaitForTask();
      } else if (state == duckdb::PendingExecutionResult::NO_TASKS_AVAILABLE) {
        Pause(waits);
      } else {
        waits = 0;
      }
    }
    if (pending_->HasError()) return session_.Explain(pending_->GetErrorObject(), sql_);
    stream_ = pending_->Execute();
    if (stream_->HasError()) return session_.Explain(stream_->GetErrorObject(), sql_);
    return {};
  }

  // The caller checks the context between two pauses.
  static void Pause(int& waits) {
    if (waits++ < kYieldsMax) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::min(kPauseMax, kPauseMin * (1 << std::min(waits - kYieldsMax, 7))));
    }
  }

  SessionParts& session_;
  const Context context_;
  const std::string sql_;
  const size_t batch_rows_max_;
  QueryWatch watch_;
  Columns columns_;
  std::optional<std::vector<TableRead>> reads_;
  duckdb::unique_ptr<duckdb::PendingQueryResult> pending_;
  duckdb::unique_ptr<duckdb::QueryResult> stream_;
  duckdb::unique_ptr<duckdb::DataChunk> chunk_;  // its first chunk_used_ rows were returned
  size_t chunk_used_ = 0;
  bool finished_ = false;  // the query has ended by itself
  bool ended_ = false;
};

}  // namespace

Result<std::unique_ptr<QueryResult>> StartQuery(SessionParts& session, const Context& context, StreamingQuery query) {
  auto result = std::make_unique<StreamingResult>(session, context, std::move(query.sql), query.batch_rows_max);
  TRY(result->Start(std::move(query.statement), query.parameters));
  return result;
}

}  // namespace yummy::duck
