#include <set>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "yummy/base/json.h"
#include "yummy/format/result/json_values.h"
#include "yummy/format/result/result_encoder.h"

namespace yummy::format {

namespace {

class JsonEncoder final : public ResultEncoder {
 public:
  explicit JsonEncoder(bool braces) : braces_(braces) {}

  Result<void> Begin(const std::shared_ptr<arrow::Schema>& schema, std::string& out) override {
    keys_.clear();
    for (const auto& name : UniqueNames(*schema)) {
      std::string key;
      AppendJsonString(key, name);
      keys_.push_back(key + ":[");
    }
    if (braces_) out += '[';
    return {};
  }

  // A batch without rows writes nothing, so an answer without rows is an empty array.
  Result<void> Batch(const arrow::RecordBatch& batch, std::string& out) override {
    if (batch.num_rows() == 0) return {};
    if (braces_ && !first_) out += ',';
    first_ = false;
    out += '{';
    for (size_t i = 0; i < keys_.size(); i++) {
      if (i > 0) out += ',';
      out += keys_[i];
      TRY(AppendJsonValues(*batch.column(static_cast<int>(i)), 0, batch.num_rows(), out));
      out += ']';
    }
    out += '}';
    return {};
  }

  Result<void> End(std::string& out) override {
    if (braces_) out += ']';
    return {};
  }

 private:
  bool braces_;
  bool first_ = true;
  std::vector<std::string> keys_;  // "\"name\":["
};

}  // namespace

std::vector<std::string> UniqueNames(const arrow::Schema& schema) {
  std::set<std::string> taken;
  for (const auto& name : schema.field_names()) taken.insert(name);
  std::set<std::string> used;
  std::vector<std::string> names;
  for (std::string name : schema.field_names()) {
    if (!used.insert(name).second) {
      const std::string stem = name;
      for (int number = 1; !taken.insert(name).second; number++) name = stem + '_' + std::to_string(number);
    }
    names.push_back(std::move(name));
  }
  return names;
}

std::unique_ptr<ResultEncoder> MakeJsonEncoder(bool braces) { return std::make_unique<JsonEncoder>(braces); }

}  // namespace yummy::format
