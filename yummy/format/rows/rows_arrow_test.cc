#include "yummy/format/rows/rows_arrow.h"

#include <cstdio>
#include <cstring>
#include <random>
#include <string>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>

#include "yummy/base/testing.h"
#include "yummy/format/arrow/arrow_error.h"

namespace yummy::format {
namespace {

std::string Written(const arrow::RecordBatch& batch, int count = 1,
                    arrow::Compression::type codec = arrow::Compression::UNCOMPRESSED) {
  auto sink = arrow::io::BufferOutputStream::Create().ValueOrDie();
  arrow::ipc::IpcWriteOptions options;
  if (codec != arrow::Compression::UNCOMPRESSED) options.codec = arrow::util::Codec::Create(codec).ValueOrDie();
  auto writer = arrow::ipc::MakeStreamWriter(sink, batch.schema(), options).ValueOrDie();
  for (int i = 0; i < count; i++) EXPECT_TRUE(writer->WriteRecordBatch(batch).ok());
  EXPECT_TRUE(writer->Close().ok());
  return sink->Finish().ValueOrDie()->ToString();
}

std::shared_ptr<arrow::RecordBatch> Sample(int64_t rows) {
  arrow::Int64Builder numbers;
  arrow::StringBuilder texts;
  arrow::StringDictionaryBuilder words;
  for (int64_t i = 0; i < rows; i++) {
    EXPECT_TRUE(numbers.Append(i).ok());
    EXPECT_TRUE((i % 3 == 0 ? texts.AppendNull() : texts.Append("żółw " + std::to_string(i))).ok());
    EXPECT_TRUE(words.Append(i % 2 == 0 ? "even" : "odd").ok());
  }
  const std::vector<std::shared_ptr<arrow::Array>> columns = {numbers.Finish().ValueOrDie(),
                                                              texts.Finish().ValueOrDie(), words.Finish().ValueOrDie()};
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("n", columns[0]->type()), arrow::field("t", columns[1]->type()),
                     arrow::field("w", columns[2]->type())}),
      rows, columns);
}

// The rows of all batches, or the error.
Result<int64_t> Rows(const std::string& bytes) {
  auto reader = TRY(ReadArrowStream(std::make_shared<arrow::io::BufferReader>(std::make_shared<arrow::Buffer>(bytes))));
  int64_t rows = 0;
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    if (const auto status = reader->ReadNext(&batch); !status.ok()) return ToError(status);
    if (batch == nullptr) return rows;
    rows += batch->num_rows();
  }
}

TEST(ReadArrowStream, ReadsPlainAndCompressedBatches) {
  const auto batch = Sample(1000);
  for (const auto codec : {arrow::Compression::UNCOMPRESSED, arrow::Compression::LZ4_FRAME, arrow::Compression::ZSTD}) {
    const auto rows = Rows(Written(*batch, 3, codec));
    ASSERT_THAT(rows, IsOk());
    EXPECT_EQ(*rows, 3000);
  }
}

TEST(ReadArrowStream, BatchesOutliveTheirReader) {
  const auto batch = Sample(1000);
  auto reader = MUST(ReadArrowStream(std::make_shared<arrow::io::BufferReader>(
      arrow::Buffer::FromString(Written(*batch, 1, arrow::Compression::ZSTD)))));
  std::shared_ptr<arrow::RecordBatch> read;
  ASSERT_TRUE(reader->ReadNext(&read).ok());
  reader.reset();
  EXPECT_TRUE(read->Equals(*batch));
}

TEST(ReadArrowStream, RefusesWhatIsNoStream) {
  const std::string good = Written(*Sample(10));
  for (const std::string& bytes :
       {std::string(), std::string("hello"), std::string(100, '\xFF'), std::string(100, '\0'),
        std::string("ARROW1\0\0", 8), std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 8),
        good.substr(0, good.size() / 2), good + "x"}) {
    const auto rows = Rows(bytes);
    ASSERT_THAT(rows, IsError(ErrorCode::kInvalidArgument)) << bytes.size();
    EXPECT_EQ(rows.error().reason_name(), "INVALID_ARROW");
  }
}

TEST(ReadArrowStream, RefusesTextThatIsNotUtf8) {
  arrow::StringBuilder texts;
  ASSERT_TRUE(texts.Append("a\xFF").ok());
  const auto column = texts.Finish().ValueOrDie();
  const auto rows = Rows(Written(
      *arrow::RecordBatch::Make(arrow::schema({arrow::field("t", arrow::utf8())}), 1, arrow::ArrayVector{column})));
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().reason_name(), "INVALID_ARROW");
}

TEST(ReadArrowStream, RefusesRowsWithoutBytes) {
  constexpr int64_t kRows = int64_t{1} << 30;
  const auto column = std::make_shared<arrow::NullArray>(kRows);
  const auto rows = Rows(Written(
      *arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::null())}), kRows, arrow::ArrayVector{column})));
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().reason_name(), "INVALID_ARROW");
}

TEST(ReadArrowStream, RefusesACompressionBomb) {
  const auto buffer = std::shared_ptr<arrow::Buffer>(arrow::AllocateBuffer(256 << 20).ValueOrDie());
  std::memset(buffer->mutable_data(), 0, static_cast<size_t>(buffer->size()));
  const int64_t rows = buffer->size() / 8;
  const auto column = std::make_shared<arrow::Int64Array>(rows, buffer);
  const auto result = Rows(Written(
      *arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), rows, arrow::ArrayVector{column}),
      1, arrow::Compression::ZSTD));
  ASSERT_THAT(result, IsError(ErrorCode::kResourceExhausted));
  EXPECT_EQ(result.error().reason_name(), "TOO_LARGE");
}

TEST(ReadArrowStream, StandsBrokenBytes) {
  const uint64_t seed = std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::mt19937_64 engine(seed);
  for (const auto codec : {arrow::Compression::UNCOMPRESSED, arrow::Compression::LZ4_FRAME, arrow::Compression::ZSTD}) {
    const std::string good = Written(*Sample(20), 2, codec);
    for (int round = 0; round < 2'000; round++) {
      std::string bytes = good;
      for (uint64_t count = 1 + engine() % 4; count > 0; count--)
        bytes[engine() % bytes.size()] = static_cast<char>(engine());
      if (engine() % 8 == 0) bytes.resize(engine() % bytes.size());
      const auto rows = Rows(bytes);  // any answer, but no crash
      const std::string reason = rows.ok() ? "INVALID_ARROW" : std::string(rows.error().reason_name());
      EXPECT_TRUE(reason == "INVALID_ARROW" || reason == "TOO_LARGE") << reason;
    }
  }
}

}  // namespace
}  // namespace yummy::format
