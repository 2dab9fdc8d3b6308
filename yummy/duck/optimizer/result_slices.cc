#include "yummy/duck/optimizer/result_slices.h"

#include <algorithm>
#include <utility>

#include <duckdb/optimizer/optimizer_extension.hpp>
#include <duckdb/planner/operator/logical_extension_operator.hpp>

#include "yummy/duck/border/row_bytes.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {
namespace {

constexpr uint64_t kSliceBytes = 512 << 10;  // a slice ends once it has this many
// By DuckDB's count this is a few rows, so that one slice, or one chunk with short texts, fills the buffer.
constexpr duckdb::idx_t kBufferedTextBytes = 64;

class SliceOperator final : public duckdb::PhysicalOperator {
 public:
  SliceOperator(duckdb::PhysicalPlan& plan, duckdb::vector<duckdb::LogicalType> row_types, duckdb::idx_t rows)
      : PhysicalOperator(plan, duckdb::PhysicalOperatorType::EXTENSION, std::move(row_types), rows) {}

  std::string GetName() const override { return "RESULT_SLICES"; }
  bool ParallelOperator() const override { return true; }

  duckdb::unique_ptr<duckdb::OperatorState> GetOperatorState(duckdb::ExecutionContext&) const override {
    return duckdb::make_uniq<State>();
  }

  duckdb::OperatorResultType Execute(duckdb::ExecutionContext&, duckdb::DataChunk& input, duckdb::DataChunk& chunk,
                                     duckdb::GlobalOperatorState&, duckdb::OperatorState& local) const override {
    auto& state = local.Cast<State>();
    if (state.begin == 0) {
      if (TotalTextBytes(input) <= kSliceBytes) {
        chunk.Reference(input);
        return duckdb::OperatorResultType::NEED_MORE_INPUT;
      }
      state.row_bytes = TextBytes(input);
    }
    const size_t begin = state.begin;
    uint64_t bytes = 0;
    while (state.begin < input.size() && bytes < kSliceBytes) bytes += state.row_bytes[state.begin++];
    // The rows are copied, because the plan keeps the last chunk that it was given while it reads the next one. A
    // reference would keep the whole input chunk.
    input.Copy(chunk, duckdb::SelectionVector(0, state.begin), state.begin, begin);
    if (state.begin < input.size()) return duckdb::OperatorResultType::HAVE_MORE_OUTPUT;
    state.begin = 0;
    return duckdb::OperatorResultType::NEED_MORE_INPUT;
  }

 private:
  struct State final : duckdb::OperatorState {
    std::vector<uint64_t> row_bytes;  // bytes of the texts in each row of the input
    size_t begin = 0;                 // where the next slice of the input begins
  };
};

class LogicalSlices final : public duckdb::LogicalExtensionOperator {
 public:
  explicit LogicalSlices(duckdb::unique_ptr<duckdb::LogicalOperator> query) {
    estimated_cardinality = query->estimated_cardinality;
    has_estimated_cardinality = query->has_estimated_cardinality;
    children.push_back(std::move(query));
    ResolveOperatorTypes();
  }

  duckdb::vector<duckdb::ColumnBinding> GetColumnBindings() override { return children[0]->GetColumnBindings(); }
  std::string GetExtensionName() const override { return "yummy_delta"; }

  duckdb::PhysicalOperator& CreatePlan(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator& planner) override {
    auto& query = planner.CreatePlan(*children[0]);
    auto& slices = planner.Make<SliceOperator>(types, estimated_cardinality);
    slices.children.push_back(query);
    return slices;
  }

 protected:
  void ResolveTypes() override { types = children[0]->types; }
};

void AddSlices(duckdb::OptimizerExtensionInput& input, duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  if (!RequestOf(input.context).untrusted() || plan->type == duckdb::LogicalOperatorType::LOGICAL_EXPLAIN) return;
  plan->ResolveOperatorTypes();
  const bool has_text = std::any_of(plan->types.begin(), plan->types.end(), HasText);
  if (has_text) plan = duckdb::make_uniq<LogicalSlices>(std::move(plan));
  duckdb::ClientConfig::GetConfig(input.context).streaming_buffer_size =
      has_text ? kBufferedTextBytes : duckdb::ClientConfig().streaming_buffer_size;
}

}  // namespace

void RegisterResultSlices(duckdb::DBConfig& config) {
  duckdb::OptimizerExtension extension;
  extension.optimize_function = AddSlices;
  duckdb::OptimizerExtension::Register(config, std::move(extension));
}

}  // namespace yummy::duck
