#include "yummy/duck/functions/bounded_functions.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <duckdb/catalog/catalog_entry/aggregate_function_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/duck_schema_entry.hpp>
#include <duckdb/catalog/catalog_entry/scalar_function_catalog_entry.hpp>
#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/function/lambda_functions.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <fmt/format.h>

#include "yummy/duck/border/error.h"
#include "yummy/duck/border/row_bytes.h"
#include "yummy/duck/functions/bounded_aggregates.h"
#include "yummy/duck/functions/function_cost.h"
#include "yummy/duck/functions/like.h"
#include "yummy/duck/functions/scalar_call.h"
#include "yummy/duck/functions/text_search.h"
#include "yummy/duck/guard/function_lists.h"

namespace yummy::duck {
namespace {

using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::idx_t;
using duckdb::scalar_function_t;
using duckdb::ScalarFunction;
using duckdb::Vector;
using ExpressionList = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;
using Data = duckdb::unique_ptr<duckdb::FunctionData>;

// Between two checks for an interrupt, a call takes about this many steps.
constexpr uint64_t kSliceSteps = 1 << 24;
// The cost function guarantees that the results of a slice take at most this much plus one value. Their real size is
// counted afterwards.
constexpr uint64_t kSliceBytes = 32 << 20;

void Limit(const FunctionCost& bound, const char* what, uint64_t found, uint64_t allowed) {
  if (found <= allowed) [[likely]]
    return;
  Throw(Error(ErrorCode::kInvalidArgument,
              fmt::format("the function {} is called for too much: {}, at most {} are allowed", bound.name, what,
                          allowed))
            .WithReason(Reason::kFunctionLimit)
            .With("name", std::string(bound.name))
            .With("limit", std::to_string(allowed)));
}

void CheckRow(const FunctionCost& bound, const Cost& cost) {
  Limit(bound, "steps for one row", cost.steps, FunctionLimits::kStepsMax);
  Limit(bound, "bytes for one value", cost.bytes, FunctionLimits::kBytesMax);
  Limit(bound, "entries for one list", cost.entries, FunctionLimits::kEntriesMax);
  Limit(bound, "levels of nested JSON", cost.depth, FunctionLimits::kJsonDepthMax);
  Limit(bound, "parts of a regular expression", cost.pattern, FunctionLimits::kPatternMax);
  Limit(bound, "bytes for a name", cost.name, FunctionLimits::kNameMax);
}

// Counts the results of a call as memory of the instance while they are made, because the engine does not count the
// values of a batch.
class Reservation {
 public:
  explicit Reservation(ExpressionState& state) {
    if (state.HasContext()) manager_ = &duckdb::BufferManager::GetBufferManager(state.GetContext());
  }
  ~Reservation() { Resize(0); }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  void Resize(uint64_t bytes) {
    if (manager_ == nullptr) return;
    if (bytes < kBytesMin) bytes = 0;
    if (bytes > bytes_) manager_->ReserveMemory(bytes - bytes_);
    if (bytes < bytes_) manager_->FreeReservedMemory(bytes_ - bytes);
    bytes_ = bytes;
  }

  /// Smaller amounts are not counted.
  static constexpr uint64_t kBytesMin = 4 << 20;

 private:
  duckdb::BufferManager* manager_ = nullptr;
  uint64_t bytes_ = 0;
};

uint64_t BytesOf(Vector& values, idx_t count) {
  constexpr uint64_t kEntryBytes = 16;
  const bool is_list = values.GetType().InternalType() == duckdb::PhysicalType::LIST;
  const uint64_t entries = is_list ? duckdb::ListVector::GetListSize(values) : 0;
  return TotalTextBytes(values, count) + entries * kEntryBytes;
}

// Runs the function for rows [begin, end) only, into the same rows of the result. Returns the bytes of their values.
uint64_t CallSlice(const scalar_function_t& function, DataChunk& rows, idx_t begin, idx_t end, ExpressionState& state,
                   Vector& result) {
  DataChunk slice;
  slice.InitializeEmpty(rows.GetTypes());
  for (idx_t i = 0; i < rows.ColumnCount(); i++) slice.data[i].Slice(rows.data[i], begin, end);
  slice.SetCardinality(end - begin);
  Vector part(result.GetType());
  function(slice, state, part);
  duckdb::VectorOperations::Copy(part, result, end - begin, 0, begin);
  return BytesOf(part, end - begin);
}

bool IsVolatile(const duckdb::Expression& expression);

// True if the same arguments may give different results in different rows. The body of a lambda does not count as an
// argument.
bool IsVolatileCall(const duckdb::BoundFunctionExpression& call) {
  if (call.function.GetStability() == duckdb::FunctionStability::VOLATILE) return true;
  if (!call.function.HasBindLambdaCallback() || !call.bind_info) return false;
  const auto& body = call.bind_info->Cast<duckdb::ListLambdaBindData>().lambda_expr;
  return body && IsVolatile(*body);
}

bool IsVolatile(const duckdb::Expression& expression) {
  bool found = expression.GetExpressionClass() == duckdb::ExpressionClass::BOUND_FUNCTION &&
               IsVolatileCall(expression.Cast<duckdb::BoundFunctionExpression>());
  duckdb::ExpressionIterator::EnumerateChildren(
      expression, [&](const duckdb::Expression& child) { found = found || IsVolatile(child); });
  return found;
}

// Calls the function once if all arguments are constant, because some functions repeat all their work per row.
void CallOnce(const scalar_function_t& function, DataChunk& rows, ExpressionState& state, Vector& result) {
  DataChunk row;
  row.InitializeEmpty(rows.GetTypes());
  row.Reference(rows);
  row.SetCardinality(1);
  function(row, state, result);
  result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

struct Slice {
  idx_t end;
  uint64_t bytes;  // at most
};

// Divides the first rows into slices. Checks that each row is within its bounds.
std::vector<Slice> Slices(const FunctionCost& bound, DataChunk& rows, idx_t count) {
  if (count == 0) return {};
  const Arguments arguments(rows);
  // Most calls are cheap, and need no look at single rows.
  const auto most = arguments.AtMost(bound.cost);
  if (most && most->steps < kSliceSteps / count && most->bytes < Reservation::kBytesMin / count) {
    CheckRow(bound, *most);  // the largest value of each argument is within the bounds of a row
    return {{count, 0}};
  }
  std::vector<Slice> slices;
  uint64_t steps = 0;
  uint64_t bytes = 0;
  for (idx_t row = 0; row < count; row++) {
    const Cost cost = bound.cost(arguments, row);
    CheckRow(bound, cost);
    steps += cost.steps;
    bytes += cost.bytes;
    if (steps < kSliceSteps && bytes < kSliceBytes && row + 1 < count) continue;
    slices.push_back({row + 1, std::exchange(bytes, 0)});
    steps = 0;
  }
  return slices;
}

void Call(const FunctionCost& bound, const scalar_function_t& function, DataChunk& rows, ExpressionState& state,
          Vector& result) {
  const bool is_constant = rows.AllConstant() && !IsVolatileCall(state.expr.Cast<duckdb::BoundFunctionExpression>());
  const auto slices = Slices(bound, rows, is_constant ? std::min<idx_t>(rows.size(), 1) : rows.size());
  Reservation reservation(state);
  CheckInterrupt(state);
  if (slices.size() <= 1) {
    if (!slices.empty()) reservation.Resize(slices.front().bytes);
    return is_constant && rows.size() > 1 ? CallOnce(function, rows, state, result) : function(rows, state, result);
  }
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  uint64_t made = 0;
  idx_t begin = 0;
  for (const Slice& slice : slices) {
    CheckInterrupt(state);
    reservation.Resize(made + slice.bytes);
    made += CallSlice(function, rows, std::exchange(begin, slice.end), slice.end, state, result);
  }
}

scalar_function_t Wrapped(const FunctionCost& bound, scalar_function_t function) {
  return [&bound, function = std::move(function)](DataChunk& rows, ExpressionState& state, Vector& result) {
    Call(bound, function, rows, state, result);
  };
}

// The function before it was wrapped. The binder passes it to the two functions below.
struct Unbound final : duckdb::ScalarFunctionInfo {
  Unbound(const FunctionCost& cost, const ScalarFunction& function)
      : bound(cost), call(function.function), bind(function.bind), bind_extended(function.bind_extended) {}
  const FunctionCost& bound;
  scalar_function_t call;
  duckdb::bind_scalar_function_t bind;
  duckdb::bind_scalar_function_extended_t bind_extended;
};

// Checks constant arguments, which the function reads while it is bound. All others count as null.
void CheckConstants(duckdb::ClientContext& context, const FunctionCost& bound, const ExpressionList& arguments) {
  if (bound.binding != FunctionCost::Binding::kReadsConstants || arguments.empty()) return;
  duckdb::vector<duckdb::Value> values;
  duckdb::vector<duckdb::LogicalType> types;
  for (const auto& argument : arguments) {
    duckdb::Value value;
    const bool is_known = !argument->HasParameter() && argument->IsFoldable() &&
                          duckdb::ExpressionExecutor::TryEvaluateScalar(context, *argument, value);
    if (!is_known || value.type().InternalType() != duckdb::PhysicalType::VARCHAR)
      value = duckdb::Value(duckdb::LogicalType::VARCHAR);
    types.push_back(value.type());
    values.push_back(std::move(value));
  }
  DataChunk row;
  row.InitializeEmpty(types);
  for (idx_t i = 0; i < values.size(); i++) row.data[i].Reference(values[i]);
  row.SetCardinality(1);
  CheckRow(bound, bound.cost(Arguments(row), 0));
}

// Runs `bind`, which sets the function to call just as without a wrapper.
template <typename Bind>
Data BindWrapped(duckdb::ClientContext& context, ScalarFunction& function, ExpressionList& arguments, Bind&& bind) {
  const auto kept = function.function_info;
  const auto& unbound = static_cast<const Unbound&>(*kept);
  CheckConstants(context, unbound.bound, arguments);
  function.function = unbound.call;
  Data data = bind(unbound);
  function.function = Wrapped(unbound.bound, function.function);
  return data;
}

Data BindPlain(duckdb::ClientContext& context, ScalarFunction& function, ExpressionList& arguments) {
  return BindWrapped(context, function, arguments, [&](const Unbound& unbound) {
    return unbound.bind ? unbound.bind(context, function, arguments) : Data();
  });
}

Data BindExtended(duckdb::ScalarFunctionBindInput& input, ScalarFunction& function, ExpressionList& arguments) {
  return BindWrapped(input.binder.context, function, arguments,
                     [&](const Unbound& unbound) { return unbound.bind_extended(input, function, arguments); });
}

Result<void> AddBound(const FunctionCost& bound, ScalarFunction& function) {
  // Functions like these would hide their work from the wrapper.
  if (function.function_info || !function.function || function.bind_expression) {
    return Error(ErrorCode::kInternal, fmt::format("the function {} cannot be bounded", bound.name));
  }
  function.function_info = duckdb::make_shared_ptr<Unbound>(bound, function);
  if (function.bind_extended) {
    function.bind_extended = BindExtended;
  } else if (function.bind || bound.binding == FunctionCost::Binding::kReadsConstants) {
    function.bind = BindPlain;
  } else {
    function.function = Wrapped(bound, function.function);
  }
  return {};
}

Data RefuseAggregate(duckdb::ClientContext&, duckdb::AggregateFunction& function, ExpressionList&) {
  Throw(CheckFunction(function.name).error());
}

Result<void> BoundOrRefuse(duckdb::AggregateFunction& function) {
  if (CheckFunction(function.name).ok()) return IsSmallAggregate(function) ? Result<void>() : BoundAggregate(function);
  function.bind = RefuseAggregate;
  return {};
}

const FunctionCost* FindCost(std::string_view name) {
  const auto& costs = FunctionCosts();
  const auto found = std::ranges::find(costs, name, &FunctionCost::name);
  return found == costs.end() ? nullptr : &*found;
}

}  // namespace

Result<void> BoundFunctions(duckdb::DatabaseInstance& database) {
  auto& schema = duckdb::Catalog::GetSystemCatalog(database).GetSchema(
      duckdb::CatalogTransaction::GetSystemTransaction(database), DEFAULT_SCHEMA);
  Result<void> result;
  size_t found = 0;
  // DuckDB keeps functions of all kinds in one set.
  schema.Scan(duckdb::CatalogType::SCALAR_FUNCTION_ENTRY, [&](duckdb::CatalogEntry& entry) {
    if (entry.type == duckdb::CatalogType::AGGREGATE_FUNCTION_ENTRY) {
      auto& aggregate = entry.Cast<duckdb::AggregateFunctionCatalogEntry>();
      for (auto& function : aggregate.functions.functions)
        if (result.ok()) result = BoundOrRefuse(function);
    }
    if (entry.type != duckdb::CatalogType::SCALAR_FUNCTION_ENTRY) return;
    auto& functions = entry.Cast<duckdb::ScalarFunctionCatalogEntry>().functions.functions;
    for (auto& function : functions) {
      ReplaceLike(function);
      ReplaceSearch(function);
    }
    const FunctionCost* bound = FindCost(entry.name);
    if (bound == nullptr) return;
    found++;
    for (auto& function : functions)
      if (result.ok()) result = AddBound(*bound, function);
  });
  if (result.ok() && found != FunctionCosts().size()) {
    return Error(ErrorCode::kInternal, fmt::format("functions with a bound: expected {}, found {} in the library",
                                                   FunctionCosts().size(), found));
  }
  return result;
}

}  // namespace yummy::duck
