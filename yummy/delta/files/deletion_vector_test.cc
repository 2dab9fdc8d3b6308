#include "yummy/delta/files/deletion_vector.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "yummy/base/testing.h"
#include "yummy/delta/files/deletion_vector_testing.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/memory_store.h"
#include "yummy/store/testing.h"

namespace yummy::delta {
namespace {

std::string FileOf(const std::string& payload) { return "\x01" + VectorInFile(payload); }

DeletionVectorDescriptor Inline(const std::string& payload, int64_t cardinality) {
  return {'i', Z85Encode(payload), std::nullopt, static_cast<int32_t>(payload.size()), cardinality};
}

// The inline example in PROTOCOL.md itself has an older magic number, which writers no longer use; these are the same
// rows.
TEST(DeletionVector, ReadsAnInlineVectorOfSpark) {
  store::MemoryStore store(Clock::System());
  const DeletionVectorDescriptor descriptor{'i', "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
                                            std::nullopt, 44, 6};
  const DeletionVector vector = MUST(ReadDeletionVector(Context(), store, "t", descriptor, 30));
  for (uint64_t row = 0; row < 40; row++) {
    EXPECT_EQ(vector.Contains(row), (std::set<uint64_t>{3, 4, 7, 11, 18, 29}.contains(row))) << row;
  }
  EXPECT_EQ(vector.max(), 29U);
}

TEST(DeletionVector, AgreesWithASetOnRandomRows) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 engine(seed);
  for (int round = 0; round < 60; round++) {
    // Around the border of two buckets, around the border of two containers, dense and sparse.
    const uint64_t origin = round % 3 == 0 ? 0xFFFFF000ULL : round % 3 == 1 ? 0xF000ULL : 0;
    const uint64_t span = 1 + engine() % 20'000;
    std::set<uint64_t> rows;
    for (uint64_t i = engine() % (round % 5 == 0 ? 40'000 : 200); i > 0; i--) rows.insert(origin + engine() % span);
    const DeletionVector vector = MUST(DeletionVector::Parse(VectorPayload(rows, round % 2 == 0)));
    EXPECT_EQ(vector.cardinality(), rows.size());
    for (int question = 0; question < 20; question++) {
      const uint64_t start = origin + engine() % span;
      const size_t count = engine() % 3000;
      std::vector<uint32_t> expected, kept(count);
      for (size_t i = 0; i < count; i++) {
        if (!rows.contains(start + i)) expected.push_back(static_cast<uint32_t>(i));
      }
      kept.resize(vector.SelectKept(start, count, kept.data()));
      ASSERT_EQ(kept, expected) << start << " " << count;
      ASSERT_EQ(vector.IsClear(start, count), expected.size() == count);
      ASSERT_EQ(vector.Contains(start), rows.contains(start));
    }
  }
}

TEST(DeletionVector, RefusesPayloadsThatAreNone) {
  const std::string good = VectorPayload({1, 5, 70'000});
  ASSERT_THAT(DeletionVector::Parse(good), IsOk());
  std::vector<std::string> payloads = {"",
                                       "abc",
                                       Little(1681511376, 4) + good.substr(4),
                                       good.substr(0, 4),
                                       good + "x",
                                       Little(1681511377, 4) + Little(UINT64_MAX, 8),
                                       Little(1681511377, 4) + Little(1ULL << 40, 8) + good.substr(12),
                                       good.substr(0, 12) + Little(0x80000000U, 4) + good.substr(16),
                                       Little(1681511377, 4) + Little(2, 8) + good.substr(12) + good.substr(12),
                                       good.substr(0, 16) + Little(0x3B3BFFFF, 4) + std::string(40, '\xFF')};
  for (size_t length = 0; length < good.size(); length++) payloads.push_back(good.substr(0, length));
  for (const std::string& payload : payloads) {
    const auto vector = DeletionVector::Parse(payload);
    EXPECT_THAT(vector, IsError(ErrorCode::kCorrupt)) << payload.size();
    if (vector.ok()) continue;
    EXPECT_EQ(vector.error().reason_name(), "CORRUPT_DELETION_VECTOR");
  }
}

TEST(DeletionVector, SurvivesRandomDamage) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 engine(seed);
  std::set<uint64_t> rows;
  for (uint64_t i = 0; i < 5000; i++) rows.insert(engine() % 200'000);
  for (int round = 0; round < 3000; round++) {
    std::string payload = VectorPayload(rows, round % 2 == 0);
    for (uint64_t i = engine() % 4 + 1; i > 0; i--)
      payload[engine() % std::min<size_t>(payload.size(), 60)] = static_cast<char>(engine() % 256);
    const auto vector = DeletionVector::Parse(payload);
    if (!vector.ok()) continue;
    std::vector<uint32_t> kept(4096);
    const size_t count = vector->SelectKept(0, kept.size(), kept.data());
    for (size_t i = 0; i < count; i++) ASSERT_FALSE(vector->Contains(kept[i]));
  }
}

class DeletionVectorFile : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& bytes) {
    MUST(store_->Put(Context(), path, bytes, store::PutMode::kOverwrite));
  }
  Result<DeletionVector> Read(const DeletionVectorDescriptor& descriptor, int64_t rows = -1) {
    return ReadDeletionVector(Context(), *store_, "t", descriptor, rows);
  }
  // The name and the prefix of the example in the protocol.
  static constexpr std::string_view kPath = "t/ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";
  const std::string payload_ = VectorPayload({0, 9});
  const DeletionVectorDescriptor descriptor_{'u', "ab^-aqEH.-t@S}K{vb[*k^", 1, static_cast<int32_t>(payload_.size()),
                                             2};
  const std::shared_ptr<store::ObjectStore> store_ = store::MakeTestStore();
};

TEST_F(DeletionVectorFile, IsFoundByItsEncodedName) {
  Write(std::string(kPath), FileOf(payload_));
  EXPECT_TRUE(MUST(Read(descriptor_, 10)).Contains(9));
}

TEST_F(DeletionVectorFile, IsMissing) {
  const auto vector = Read(descriptor_);
  ASSERT_THAT(vector, IsError(ErrorCode::kNotFound));
  EXPECT_EQ(vector.error().reason_name(), "MISSING_FILE");
}

TEST_F(DeletionVectorFile, IsRefusedWhenItDoesNotFitItsDescriptor) {
  Write(std::string(kPath), FileOf(payload_));
  const auto changed = [&](auto change) {
    DeletionVectorDescriptor descriptor = descriptor_;
    change(descriptor);
    return descriptor;
  };
  for (const auto& descriptor :
       {changed([](auto& d) { d.storage_type = 'x'; }), changed([](auto& d) { d.cardinality = 3; }),
        changed([](auto& d) { d.offset = 2; }), changed([](auto& d) { d.offset = 1'000'000'000; }),
        changed([](auto& d) { d.offset = -1; }), changed([](auto& d) { d.offset.reset(); }),
        changed([](auto& d) { d.size_bytes--; }), changed([](auto& d) { d.size_bytes = 0; }),
        changed([](auto& d) { d.size_bytes = INT32_MAX; }), changed([](auto& d) { d.path_or_inline = "short"; }),
        changed([](auto& d) { d.path_or_inline.back() = ' '; }),
        changed([](auto& d) { d.path_or_inline.back() = '~'; })}) {
    EXPECT_THAT(Read(descriptor), IsError(ErrorCode::kCorrupt)) << descriptor.unique_id();
  }
  EXPECT_THAT(Read(descriptor_, 9), IsError(ErrorCode::kCorrupt));  // row 9 in a file of 9 rows
  EXPECT_THAT(Read(changed([](auto& d) { d.path_or_inline.insert(0, "../"); })), IsError(ErrorCode::kPermissionDenied));
}

TEST_F(DeletionVectorFile, HasVectorsThatAreReadTogether) {
  std::string bytes = FileOf(payload_) + VectorInFile(VectorPayload({7})) + VectorInFile(VectorPayload({1, 2}));
  DeletionVectorDescriptor second = descriptor_;
  second.offset = static_cast<int32_t>(FileOf(payload_).size());
  second.size_bytes = static_cast<int32_t>(VectorPayload({7}).size());
  second.cardinality = 1;
  DeletionVectorDescriptor third = second;
  third.offset = *second.offset + second.size_bytes + 8;
  third.size_bytes = static_cast<int32_t>(VectorPayload({1, 2}).size());
  third.cardinality = 2;
  bytes[static_cast<size_t>(*second.offset) + 5] ^= 1;
  Write(std::string(kPath), bytes);
  const auto counted = std::make_shared<store::FaultStore>(store_);
  const std::vector<WantedVector> wanted = {{&third, 3}, {&second, 10}, {&descriptor_, 10}, {&third, 2}};
  const auto vectors = ReadDeletionVectors(Context(), *counted, "t", wanted);
  ASSERT_EQ(vectors.size(), 4U);
  EXPECT_TRUE(vectors[0].ok() && vectors[0]->Contains(2));
  EXPECT_THAT(vectors[1], IsError(ErrorCode::kCorrupt));
  EXPECT_TRUE(vectors[2].ok() && vectors[2]->Contains(9));
  EXPECT_THAT(vectors[3], IsError(ErrorCode::kCorrupt));
  EXPECT_EQ(counted->calls(store::Operation::kGet), 1U);
}

TEST_F(DeletionVectorFile, IsRefusedWhenItsBytesAreDamaged) {
  const std::string good = FileOf(payload_);
  for (size_t i = 0; i < good.size(); i++) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    Write(std::string(kPath), bad);
    EXPECT_THAT(Read(descriptor_), IsError(ErrorCode::kCorrupt)) << i;
    Write(std::string(kPath), good.substr(0, i));
    EXPECT_THAT(Read(descriptor_), IsError(ErrorCode::kCorrupt)) << i;
  }
}

TEST_F(DeletionVectorFile, IsRefusedInlineWhenItsTextIsDamaged) {
  EXPECT_THAT(Read(Inline(payload_, 2)), IsOk());
  DeletionVectorDescriptor descriptor = Inline(payload_, 2);
  descriptor.path_or_inline.pop_back();
  EXPECT_THAT(Read(descriptor), IsError(ErrorCode::kCorrupt));
  descriptor = Inline(payload_, 2);
  descriptor.size_bytes -= 4;
  EXPECT_THAT(Read(descriptor), IsError(ErrorCode::kCorrupt));
  descriptor = Inline(payload_, 2);
  descriptor.offset = 4;
  EXPECT_THAT(Read(descriptor), IsError(ErrorCode::kCorrupt));
}

TEST(Z85, EncodesTheExampleOfItsSpecification) {
  const std::string bytes = "\x86\x4F\xD2\x6F\xB5\x59\xF7\x5B";
  EXPECT_EQ(Z85Encode(bytes), "HelloWorld");
  EXPECT_EQ(MUST(Z85Decode("HelloWorld")), bytes);
  EXPECT_EQ(Z85Encode(bytes.substr(0, 5)).size(), 10U);
  for (const std::string_view text : {"abcd", "abc~e", "#####", "ab de"})
    EXPECT_THAT(Z85Decode(text), IsError(ErrorCode::kCorrupt)) << text;
}

std::filesystem::path Fixtures() {
  const char* shared = std::getenv("YUMMY_SHARED");
  const char* source = std::getenv("YUMMY_SOURCE_DIR");
  const std::filesystem::path root =
      shared != nullptr ? shared : std::filesystem::path(source != nullptr ? source : ".") / "../shared";
  return root / "fixtures" / "delta";
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Reads the vectors of one commit's adds; returns how many there were.
size_t ReadVectorsOf(const std::filesystem::path& commit) {
  const std::filesystem::path table = commit.parent_path().parent_path();
  size_t count = 0;
  for (const Action& action : MUST(ParseActions(ReadFile(commit), commit.string()))) {
    const auto* add = std::get_if<Add>(&action);
    if (add == nullptr || !add->deletion_vector || add->deletion_vector->storage_type == 'p') continue;
    store::MemoryStore store(Clock::System());
    for (const auto& entry : std::filesystem::recursive_directory_iterator(table)) {
      if (!entry.path().filename().string().starts_with("deletion_vector_")) continue;
      MUST(store.Put(Context(), std::filesystem::relative(entry.path(), table).string(), ReadFile(entry.path()),
                     store::PutMode::kOverwrite));
    }
    const auto vector = ReadDeletionVector(Context(), store, "", *add->deletion_vector, -1);
    EXPECT_THAT(vector, IsOk()) << commit;
    count++;
  }
  return count;
}

TEST(DeletionVector, ReadsThoseOfTheGoldenTables) {
  if (!std::filesystem::exists(Fixtures())) GTEST_SKIP() << "no golden tables: set YUMMY_SHARED";
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Fixtures())) {
    const std::string name = entry.path().filename();
    if (name.size() == 25 && name.ends_with(".json") && entry.path().parent_path().filename() == "_delta_log")
      count += ReadVectorsOf(entry.path());
  }
  EXPECT_GE(count, 10U);
}

TEST(DeletionVectorBuilder, BuildsWhatParseReads) {
  DeletionVectorBuilder builder;
  EXPECT_EQ(builder.Build().cardinality(), 0U);
  std::set<uint64_t> rows;
  for (uint64_t i = 0; i < 100'000; i++) rows.insert(i % 3 == 0 ? i : (i << 20) + 7);
  for (const uint64_t row : rows) EXPECT_TRUE(builder.Add(row));
  EXPECT_FALSE(builder.Add(0));
  DeletionVectorBuilder more;
  more.Add(0);
  more.Add(1'000'000'000'000);
  builder.AddAll(more.Build());
  rows.insert(1'000'000'000'000);
  const DeletionVector vector = MUST(DeletionVector::Parse(builder.Build().Serialize()));
  EXPECT_EQ(vector.cardinality(), rows.size());
  EXPECT_EQ(vector.max(), *rows.rbegin());
  for (uint64_t row = 0; row < 1000; row++) EXPECT_EQ(vector.Contains(row), rows.contains(row)) << row;
}

TEST(VectorFile, HoldsVectorsThatCanBeReadBack) {
  std::vector<DeletionVectorRef> vectors;
  for (uint64_t number = 0; number < 3; number++) {
    DeletionVectorBuilder builder;
    for (uint64_t row = 0; row <= number * 100; row++) builder.Add(row * (number + 1));
    vectors.push_back(std::make_shared<const DeletionVector>(builder.Build()));
  }
  const VectorFile file = MakeVectorFile("d2c639aa-8816-431a-aaf6-d3fe2512ff61", vectors);
  const auto store = store::MakeTestStore();
  const std::string path = MUST(DeletionVectorPath(*store, "t", file.descriptors[0]));
  EXPECT_EQ(path, "t/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin");
  MUST(store->Put(Context(), path, file.bytes, store::PutMode::kCreate));
  for (size_t i = 0; i < vectors.size(); i++) {
    const auto read = MUST(ReadDeletionVector(Context(), *store, "t", file.descriptors[i], 1000));
    EXPECT_EQ(read.cardinality(), vectors[i]->cardinality());
    EXPECT_EQ(read.max(), vectors[i]->max());
  }
}

}  // namespace
}  // namespace yummy::delta
