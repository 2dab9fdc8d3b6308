#include "yummy/cli/print.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <cmath>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "yummy/base/json.h"
#include "yummy/format/result/json_values.h"
#include "yummy/format/result/result_encoder.h"

namespace yummy::cli {

namespace {

constexpr size_t kTableRowsMax = 1000;

class Output {
 public:
  explicit Output(std::FILE* file) : file_(file) {}
  Result<void> Write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) == text.size()) return {};
    return Failure();
  }
  Result<void> Flush() {
    if (std::fflush(file_) == 0) return {};
    return Failure();
  }

 private:
  static Error Failure() {
    return Error(ErrorCode::kUnavailable, fmt::format("cannot write the output: {}", strerror(errno)));
  }
  std::FILE* file_;
};

// "NaN", "Infinity" or "-Infinity"; empty for numbers and for other types. Plain text has these, JSON has not.
std::string_view NotFiniteText(const arrow::Array& column, int64_t row) {
  double value = 0;
  if (column.type_id() == arrow::Type::FLOAT)
    value = static_cast<double>(static_cast<const arrow::FloatArray&>(column).Value(row));
  if (column.type_id() == arrow::Type::DOUBLE) value = static_cast<const arrow::DoubleArray&>(column).Value(row);
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return {};
}

// A value as plain text: strings unchanged, other values as in JSON but without quotes.
Result<std::string> CellText(const arrow::Array& column, int64_t row) {
  if (column.IsNull(row)) return std::string();
  if (column.type_id() == arrow::Type::STRING)
    return std::string(static_cast<const arrow::StringArray&>(column).GetView(row));
  if (const auto not_finite = NotFiniteText(column, row); !not_finite.empty()) return std::string(not_finite);
  std::string text;
  TRY(format::AppendJsonValue(column, row, text));
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

class JsonPrinter final : public Printer {
 public:
  explicit JsonPrinter(std::FILE* out) : out_(out) {}
  Result<void> Begin(const arrow::Schema& schema) override {
    for (const auto& name : format::UniqueNames(schema)) {
      AppendJsonString(keys_.emplace_back(), name);
      keys_.back() += ':';
    }
    return out_.Write("[");
  }
  Result<void> Batch(const arrow::RecordBatch& batch) override {
    std::string text;
    for (int64_t row = 0; row < batch.num_rows(); row++) {
      text += first_ ? "\n" : ",\n";
      first_ = false;
      text += '{';
      for (int column = 0; column < batch.num_columns(); column++) {
        if (column > 0) text += ',';
        text += keys_[static_cast<size_t>(column)];
        TRY(format::AppendJsonValue(*batch.column(column), row, text));
      }
      text += '}';
    }
    return out_.Write(text);
  }
  Result<void> End() override {
    TRY(out_.Write(first_ ? "]\n" : "\n]\n"));
    return out_.Flush();
  }

 private:
  Output out_;
  std::vector<std::string> keys_;  // "\"name\":"
  bool first_ = true;
};

class CsvPrinter final : public Printer {
 public:
  explicit CsvPrinter(std::FILE* out) : out_(out) {}
  Result<void> Begin(const arrow::Schema& schema) override {
    std::string text;
    for (int column = 0; column < schema.num_fields(); column++) {
      if (column > 0) text += ',';
      AppendField(text, schema.field(column)->name(), false);
    }
    return out_.Write(text + "\r\n");
  }
  Result<void> Batch(const arrow::RecordBatch& batch) override {
    std::string text;
    for (int64_t row = 0; row < batch.num_rows(); row++) {
      for (int column = 0; column < batch.num_columns(); column++) {
        if (column > 0) text += ',';
        AppendField(text, TRY(CellText(*batch.column(column), row)), batch.column(column)->IsNull(row));
      }
      text += "\r\n";
    }
    return out_.Write(text);
  }
  Result<void> End() override { return out_.Flush(); }

 private:
  // An empty text is quoted, so that it differs from a null.
  static void AppendField(std::string& out, std::string_view text, bool is_null) {
    if (is_null) return;
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
      out += text;
      return;
    }
    out += '"';
    for (const char c : text) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  Output out_;
};

class TablePrinter final : public Printer {
 public:
  explicit TablePrinter(std::FILE* out) : out_(out) {}
  Result<void> Begin(const arrow::Schema& schema) override {
    for (const auto& field : schema.fields()) {
      header_.push_back(field->name());
      const auto id = field->type()->id();
      right_.push_back(arrow::is_integer(id) || arrow::is_floating(id) || arrow::is_decimal(id));
    }
    return {};
  }
  Result<void> Batch(const arrow::RecordBatch& batch) override {
    for (int64_t row = 0; row < batch.num_rows(); row++) {
      rows_count_++;
      if (rows_.size() >= kTableRowsMax) continue;
      auto& cells = rows_.emplace_back();
      for (int column = 0; column < batch.num_columns(); column++) {
        cells.push_back(batch.column(column)->IsNull(row) ? "null" : TRY(CellText(*batch.column(column), row)));
        for (char& c : cells.back()) {
          if (static_cast<unsigned char>(c) < 0x20) c = ' ';  // no text breaks a line or controls the terminal
        }
      }
    }
    return {};
  }
  Result<void> End() override {
    std::vector<size_t> widths;
    for (size_t column = 0; column < header_.size(); column++) {
      size_t width = Width(header_[column]);
      for (const auto& cells : rows_) width = std::max(width, Width(cells[column]));
      widths.push_back(width);
    }
    TRY(WriteLine(header_, widths));
    std::string rule;
    for (size_t column = 0; column < widths.size(); column++)
      rule += (column > 0 ? "  " : "") + std::string(widths[column], '-');
    TRY(out_.Write(rule + "\n"));
    for (const auto& cells : rows_) TRY(WriteLine(cells, widths));
    if (rows_count_ > rows_.size()) TRY(out_.Write(fmt::format("… {} more rows\n", rows_count_ - rows_.size())));
    TRY(out_.Write(fmt::format("({} row{})\n", rows_count_, rows_count_ == 1 ? "" : "s")));
    return out_.Flush();
  }

 private:
  // Counts code points, which is close enough to columns of the terminal.
  static size_t Width(std::string_view text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  }
  Result<void> WriteLine(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
    std::string line;
    for (size_t column = 0; column < cells.size(); column++) {
      if (column > 0) line += "  ";
      const std::string padding(widths[column] - Width(cells[column]), ' ');
      line += right_[column] ? padding + cells[column] : cells[column] + padding;
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return out_.Write(line + "\n");
  }

  Output out_;
  std::vector<std::string> header_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
  size_t rows_count_ = 0;
};

}  // namespace

std::unique_ptr<Printer> MakePrinter(PrintFormat format, std::FILE* out) {
  switch (format) {
    case PrintFormat::kJson: return std::make_unique<JsonPrinter>(out);
    case PrintFormat::kCsv: return std::make_unique<CsvPrinter>(out);
    case PrintFormat::kTable: break;
  }
  return std::make_unique<TablePrinter>(out);
}

}  // namespace yummy::cli
