#include "yummy/duck/functions/bounded_aggregates.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <utility>

#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/planner/expression/bound_aggregate_expression.hpp>
#include <fmt/format.h>

#include "yummy/duck/border/error.h"
#include "yummy/duck/border/list_entries.h"
#include "yummy/duck/border/row_bytes.h"

namespace yummy::duck {
namespace {

using duckdb::AggregateFunction;
using duckdb::AggregateInputData;
using duckdb::idx_t;
using duckdb::PhysicalType;
using duckdb::RecursiveUnifiedVectorFormat;
using duckdb::UnifiedVectorFormat;
using duckdb::Vector;
using Data = duckdb::unique_ptr<duckdb::FunctionData>;
using ExpressionList = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

// Between two checks for an interrupt, a call handles about this many bytes and entries of its arguments, and this many
// states, whose size is unknown.
constexpr uint64_t kSliceSteps = 1 << 24;
constexpr idx_t kSliceStates = 64;

constexpr auto kSmallAggregates = std::to_array<std::string_view>({
    "avg",         "bool_and",   "bool_or",
    "corr",        "count",      "count_if",
    "count_star",  "countif",    "covar_pop",
    "covar_samp",  "favg",       "fsum",
    "kahan_sum",   "kurtosis",   "kurtosis_pop",
    "mean",        "product",    "regr_avgx",
    "regr_avgy",   "regr_count", "regr_intercept",
    "regr_r2",     "regr_slope", "regr_sxx",
    "regr_sxy",    "regr_syy",   "sem",
    "skewness",    "stddev",     "stddev_pop",
    "stddev_samp", "sum",        "sum_no_overflow",
    "sumkahan",    "var_pop",    "var_samp",
    "variance",
});
static_assert(std::ranges::is_sorted(kSmallAggregates));

// Keeps the first error of an aggregate while it collects rows. The threads that build the tree of a window wait for
// each other. If one left by an exception, the others would wait for ever, past every deadline. So the error is thrown
// only when a result is requested.
class Failure {
 public:
  bool happened() const { return happened_.load(std::memory_order_acquire); }
  void Keep(std::exception_ptr error) {
    const std::scoped_lock lock(mutex_);
    if (happened()) return;
    error_ = std::move(error);
    happened_.store(true, std::memory_order_release);
  }
  void ThrowIfHappened() const {
    if (happened()) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::atomic<bool> happened_ = false;
  std::exception_ptr error_;  // written once, before happened_
};

// The callbacks of an aggregate are plain function pointers. They find their state in the data that binding has made.
struct BoundData final : duckdb::FunctionData {
  BoundData(duckdb::ClientContext& client, const AggregateFunction& inner_function, Data inner_data,
            std::shared_ptr<Failure> shared_failure = std::make_shared<Failure>())
      : context(client), function(inner_function), data(std::move(inner_data)), failure(std::move(shared_failure)) {}

  Data Copy() const override {
    return duckdb::make_uniq<BoundData>(context, function, data ? data->Copy() : Data(), failure);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& bound = other.Cast<BoundData>();
    return function == bound.function && function.name == bound.function.name &&
           duckdb::FunctionData::Equals(data.get(), bound.data.get());
  }

  static const BoundData& Of(const AggregateInputData& input) { return input.bind_data->Cast<BoundData>(); }
  AggregateInputData Inner(const AggregateInputData& input) const {
    return AggregateInputData(data.get(), input.allocator, input.combine_type);
  }
  // Called before a result is returned. Throws the kept error, or an interrupt.
  void Check() const {
    failure->ThrowIfHappened();
    if (context.IsInterrupted()) throw duckdb::InterruptException();
  }
  // Called before rows are collected. False if that is pointless, because of an error or an interrupt.
  bool GoesOn() const { return !failure->happened() && !context.IsInterrupted(); }
  // Collects rows, and keeps an exception.
  template <typename Step>
  void Try(Step&& step) const {
    try {
      step();
    } catch (...) {
      failure->Keep(std::current_exception());
    }
  }

  duckdb::ClientContext& context;
  AggregateFunction function;
  Data data;
  std::shared_ptr<Failure> failure;  // shared: by all copies, because they belong to one statement
};

bool HasFixedSize(const duckdb::LogicalType& type) { return duckdb::TypeIsConstantSize(type.InternalType()); }

// Bytes and entries of a value, at all depths.
uint64_t DeepSize(const RecursiveUnifiedVectorFormat& format, idx_t row) {
  const idx_t index = format.unified.sel->get_index(row);
  const PhysicalType type = format.logical_type.InternalType();
  if (duckdb::TypeIsConstantSize(type) || !format.unified.validity.RowIsValid(index)) return 1;
  if (type == PhysicalType::VARCHAR)
    return UnifiedVectorFormat::GetData<duckdb::string_t>(format.unified)[index].GetSize();
  uint64_t size = 1;
  if (type == PhysicalType::STRUCT) {
    // A selection of structs also applies to their children.
    for (const auto& child : format.children) size += DeepSize(child, row);
    return size;
  }
  const auto entry = EntriesOf(format, index);
  const auto& child = format.children.front();
  if (HasFixedSize(child.logical_type)) return size + entry.length;
  for (idx_t i = 0; i < entry.length; i++) size += DeepSize(child, entry.offset + i);
  return size;
}

// True if the rows certainly fit into one slice, as they usually do.
bool AreFew(Vector inputs[], idx_t columns, idx_t count) {
  uint64_t bytes = 0;
  for (idx_t i = 0; i < columns; i++) {
    if (HasFixedSize(inputs[i].GetType())) continue;
    if (inputs[i].GetType().InternalType() != PhysicalType::VARCHAR) return false;
    bytes += TotalTextBytes(inputs[i], count);
  }
  return bytes < kSliceSteps;
}

// The end of each slice. The last slice ends with the rows.
duckdb::vector<idx_t> Slices(Vector inputs[], idx_t columns, idx_t count) {
  duckdb::vector<RecursiveUnifiedVectorFormat> formats;
  for (idx_t i = 0; i < columns; i++) {
    if (HasFixedSize(inputs[i].GetType())) continue;
    formats.emplace_back();
    Vector::RecursiveToUnifiedFormat(inputs[i], count, formats.back());
  }
  duckdb::vector<idx_t> ends;
  uint64_t steps = 0;
  for (idx_t row = 0; row + 1 < count && !formats.empty(); row++) {
    for (const auto& format : formats) steps += DeepSize(format, row);
    if (steps < kSliceSteps) continue;
    ends.push_back(row + 1);
    steps = 0;
  }
  ends.push_back(count);
  return ends;
}

// Runs `call` for each slice, with its inputs, its begin and its end.
template <typename Call>
void ForEachSlice(const BoundData& bound, Vector inputs[], idx_t columns, idx_t count, Call&& call) {
  if (!bound.GoesOn()) return;
  if (AreFew(inputs, columns, count)) return call(inputs, 0, count);
  const auto ends = Slices(inputs, columns, count);
  if (ends.size() == 1) return call(inputs, 0, count);
  idx_t begin = 0;
  for (const idx_t end : ends) {
    if (!bound.GoesOn()) return;
    duckdb::vector<Vector> slice;
    slice.reserve(columns);
    for (idx_t i = 0; i < columns; i++) slice.emplace_back(inputs[i], begin, end);
    call(slice.data(), std::exchange(begin, end), end);
  }
}

void Update(Vector inputs[], AggregateInputData& input, idx_t columns, Vector& states, idx_t count) {
  const auto& bound = BoundData::Of(input);
  AggregateInputData inner = bound.Inner(input);
  bound.Try([&] {
    ForEachSlice(bound, inputs, columns, count, [&](Vector* slice, idx_t begin, idx_t end) {
      if (begin == 0 && end == count) return bound.function.update(slice, inner, columns, states, count);
      Vector some(states, begin, end);
      bound.function.update(slice, inner, columns, some, end - begin);
    });
  });
}

void SimpleUpdate(Vector inputs[], AggregateInputData& input, idx_t columns, duckdb::data_ptr_t state, idx_t count) {
  const auto& bound = BoundData::Of(input);
  AggregateInputData inner = bound.Inner(input);
  bound.Try([&] {
    ForEachSlice(bound, inputs, columns, count, [&](Vector* slice, idx_t begin, idx_t end) {
      bound.function.simple_update(slice, inner, columns, state, end - begin);
    });
  });
}

void Combine(Vector& source, Vector& target, AggregateInputData& input, idx_t count) {
  const auto& bound = BoundData::Of(input);
  AggregateInputData inner = bound.Inner(input);
  bound.Try([&] {
    if (count <= kSliceStates) {
      if (bound.GoesOn()) bound.function.combine(source, target, inner, count);
      return;
    }
    for (idx_t begin = 0; begin < count && bound.GoesOn(); begin += kSliceStates) {
      const idx_t end = std::min(begin + kSliceStates, count);
      Vector from(source, begin, end);
      Vector to(target, begin, end);
      bound.function.combine(from, to, inner, end - begin);
    }
  });
}

void Finalize(Vector& states, AggregateInputData& input, Vector& result, idx_t count, idx_t offset) {
  const auto& bound = BoundData::Of(input);
  AggregateInputData inner = bound.Inner(input);
  bound.Check();
  if (count <= kSliceStates || states.GetVectorType() != duckdb::VectorType::FLAT_VECTOR)
    return bound.function.finalize(states, inner, result, count, offset);
  for (idx_t begin = 0; begin < count; begin += kSliceStates) {
    bound.Check();
    const idx_t end = std::min(begin + kSliceStates, count);
    Vector some(states, begin, end);
    bound.function.finalize(some, inner, result, end - begin, offset + begin);
  }
}

void Window(AggregateInputData& input, const duckdb::WindowPartitionInput& partition, duckdb::const_data_ptr_t shared,
            duckdb::data_ptr_t local, const duckdb::SubFrames& frames, Vector& result, idx_t row) {
  const auto& bound = BoundData::Of(input);
  AggregateInputData inner = bound.Inner(input);
  bound.Check();
  bound.function.window(inner, partition, shared, local, frames, result, row);
}

void WindowInit(AggregateInputData& input, const duckdb::WindowPartitionInput& partition, duckdb::data_ptr_t shared) {
  const auto& bound = BoundData::Of(input);
  AggregateInputData inner = bound.Inner(input);
  bound.Check();
  bound.function.window_init(inner, partition, shared);
}

duckdb::unique_ptr<duckdb::BaseStatistics> Statistics(duckdb::ClientContext& context,
                                                      duckdb::BoundAggregateExpression& expression,
                                                      duckdb::AggregateStatisticsInput& input) {
  const auto& bound = input.bind_data->Cast<BoundData>();
  duckdb::AggregateStatisticsInput inner(bound.data.get(), input.child_stats, input.node_stats);
  return bound.function.statistics(context, expression, inner);
}

// Aggregates whose second argument decides how much memory each group takes. The instance does not count that memory.
constexpr auto kSizedAggregates = std::to_array<std::string_view>(
    {"approx_quantile", "approx_top_k", "histogram", "histogram_exact", "quantile", "quantile_cont", "quantile_disc"});
constexpr uint64_t kGroupSizeMax = 1000;

uint64_t GroupSize(const duckdb::Value& argument) {
  if (argument.IsNull()) return 0;
  if (argument.type().id() == duckdb::LogicalTypeId::LIST) return duckdb::ListValue::GetChildren(argument).size();
  if (argument.type().id() == duckdb::LogicalTypeId::ARRAY) return duckdb::ArrayType::GetSize(argument.type());
  duckdb::Value number;
  std::string error;
  if (!argument.DefaultTryCastAs(duckdb::LogicalType::BIGINT, number, &error) || number.IsNull()) return 0;
  return static_cast<uint64_t>(std::max<int64_t>(number.GetValue<int64_t>(), 0));
}

// An argument that is not constant could have any value, so it is refused.
void CheckGroupSize(duckdb::ClientContext& context, const std::string& name, const ExpressionList& arguments) {
  if (arguments.size() < 2 || std::ranges::find(kSizedAggregates, name) == kSizedAggregates.end()) return;
  const auto& argument = *arguments[1];
  if (argument.HasParameter() || argument.return_type.id() == duckdb::LogicalTypeId::UNKNOWN)
    throw duckdb::ParameterNotResolvedException();
  const bool is_constant = argument.IsFoldable();
  if (is_constant && GroupSize(duckdb::ExpressionExecutor::EvaluateScalar(context, argument)) <= kGroupSizeMax) return;
  const char* what = is_constant ? "is too large" : "is no constant";
  Throw(
      Error(ErrorCode::kInvalidArgument, fmt::format("the second argument of {} {}: a number, or a list so long, of at "
                                                     "most {} is allowed",
                                                     name, what, kGroupSizeMax))
          .WithReason(Reason::kFunctionLimit)
          .With("name", name)
          .With("limit", std::to_string(kGroupSizeMax))
          .With("hint", "GROUP BY value with count(*), ORDER BY, LIMIT"));
}

// The aggregate before it was wrapped. The binder passes it to Bind.
struct Unbound final : duckdb::AggregateFunctionInfo {
  explicit Unbound(duckdb::bind_aggregate_function_t function) : bind(function) {}
  duckdb::bind_aggregate_function_t bind;
};

// Binding may choose another function, or other callbacks, for the types of its arguments, and these are wrapped. The
// destructor is not wrapped, because the engine may call it after the data of binding is gone.
Data Bind(duckdb::ClientContext& context, AggregateFunction& function, ExpressionList& arguments) {
  const auto kept = function.function_info;
  const auto bind = kept->Cast<Unbound>().bind;
  CheckGroupSize(context, function.name, arguments);
  Data data = bind ? bind(context, function, arguments) : Data();
  auto bound = duckdb::make_uniq<BoundData>(context, function, std::move(data));
  if (function.update) function.update = Update;
  if (function.simple_update) function.simple_update = SimpleUpdate;
  if (function.combine) function.combine = Combine;
  if (function.finalize) function.finalize = Finalize;
  if (function.window) function.window = Window;
  if (function.window_init) function.window_init = WindowInit;
  if (function.statistics) function.statistics = Statistics;
  function.serialize = nullptr;
  function.deserialize = nullptr;
  return bound;
}

}  // namespace

bool IsSmallAggregate(const AggregateFunction& function) {
  // Sums of these types may overflow while rows are collected.
  const auto overflows = [](const duckdb::LogicalType& type) {
    return type.id() == duckdb::LogicalTypeId::DECIMAL || type.InternalType() == PhysicalType::INT128 ||
           type.InternalType() == PhysicalType::UINT128 || type.InternalType() == PhysicalType::INTERVAL;
  };
  return std::ranges::binary_search(kSmallAggregates, function.name) &&
         std::none_of(function.arguments.begin(), function.arguments.end(), overflows);
}

Result<void> BoundAggregate(AggregateFunction& function) {
  if (function.function_info) {
    return Error(ErrorCode::kInternal, fmt::format("the aggregate {} cannot be bounded", function.name));
  }
  function.function_info = duckdb::make_shared_ptr<Unbound>(function.bind);
  function.bind = Bind;
  return {};
}

}  // namespace yummy::duck
