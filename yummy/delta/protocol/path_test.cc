#include "yummy/delta/protocol/path.h"

#include <gtest/gtest.h>

#include "yummy/base/testing.h"

namespace yummy::delta {
namespace {

// A store of another root: only its name matters here.
class RootedStore final : public store::ObjectStore {
 public:
  explicit RootedStore(std::string root) : root_(std::move(root)) {}
  Result<std::string> Get(const Context&, std::string_view, std::optional<store::ByteRange>) override {
    return Refused();
  }
  Result<std::unique_ptr<store::ObjectReader>> Open(const Context&, std::string_view,
                                                    std::optional<uint64_t>) override {
    return Refused();
  }
  Result<store::ObjectMeta> Head(const Context&, std::string_view) override { return Refused(); }
  Result<store::ObjectMeta> Put(const Context&, std::string_view, std::string_view, store::PutMode) override {
    return Refused();
  }
  Result<std::unique_ptr<store::Upload>> StartUpload(const Context&, std::string_view, store::PutMode) override {
    return Refused();
  }
  Result<store::ListPage> List(const Context&, std::string_view, const store::ListOptions&) override {
    return Refused();
  }
  std::vector<Result<void>> Delete(const Context&, std::span<const std::string>) override { return {}; }
  Result<void> Copy(const Context&, std::string_view, std::string_view) override { return Refused(); }
  store::Capabilities capabilities() const override { return {}; }
  const std::string& root() const override { return root_; }

 private:
  static Error Refused() { return Error(ErrorCode::kUnsupported, "a store of names only"); }
  std::string root_;
};

TEST(ResolveLogPath, FindsFilesWithinTheStore) {
  RootedStore local("/data/lake/"), s3("s3://bucket/lake/"), bucket("s3://bucket/");
  EXPECT_EQ(MUST(ResolveLogPath(local, "t", "p=a%253Ab/part%20x.parquet")), "t/p=a%3Ab/part x.parquet");
  EXPECT_EQ(MUST(ResolveLogPath(local, "", "part.parquet")), "part.parquet");
  for (const std::string_view path : {"/data/lake/t/a%20b", "file:/data/lake/t/a%20b", "file:///data/lake/t/a%20b",
                                      "FILE://localhost/data/lake/t/a%20b"}) {
    EXPECT_EQ(MUST(ResolveLogPath(local, "other", path)), "t/a b") << path;
  }
  EXPECT_EQ(MUST(ResolveLogPath(s3, "t", "s3a://Bucket/lake/u/a")), "u/a");
  EXPECT_EQ(MUST(ResolveLogPath(bucket, "t", "s3://bucket/u/a")), "u/a");
  RootedStore azure("abfss://files@account.dfs.core.windows.net/lake/");
  EXPECT_EQ(MUST(ResolveLogPath(azure, "t", "abfss://files@account.dfs.core.windows.net/lake/u/a%20b")), "u/a b");
}

TEST(ResolveLogPath, LeavesOutSegmentsThatLeadNowhere) {
  RootedStore local("/data/lake/"), bucket("s3://bucket/");
  for (const std::string_view path :
       {"d/f", "./d/f", "d//f", "d/./f", "%2E/d/f", "/data/lake/t//d/f", "file:///data/lake//t/./d/f"})
    EXPECT_EQ(MUST(ResolveLogPath(local, "t", path)), "t/d/f") << path;
  EXPECT_EQ(MUST(ResolveLogPath(bucket, "t", "s3://bucket//u//a")), "u/a");
  EXPECT_THAT(ResolveLogPath(local, "", "."), IsError(ErrorCode::kPermissionDenied));
}

TEST(ResolveLogPath, RefusesWhatLiesOutside) {
  RootedStore local("/data/lake/"), s3("s3://bucket/lake/");
  for (const std::string_view path :
       {"../../etc/passwd", "%2e%2e/x", "a/../../x", "/etc/passwd", "file:///etc/shadow", "file:///data/lake/../x",
        "file:///data/lakes/x", "http://169.254.169.254/", "s3://other/x", "s3://bucket/x", "./../x", "a//../b", "a\\b",
        "a%0Ab", "/data/lake", "file://host/data/lake/x"}) {
    for (const store::ObjectStore* store :
         {static_cast<store::ObjectStore*>(&local), static_cast<store::ObjectStore*>(&s3)}) {
      const auto resolved = ResolveLogPath(*store, "t", path);
      ASSERT_THAT(resolved, IsError(ErrorCode::kPermissionDenied)) << path;
      EXPECT_EQ(resolved.error().reason_name(), "PATH_OUTSIDE_TABLE");
    }
  }
}

TEST(ResolveLogPath, RefusesWhatIsNoPath) {
  RootedStore local("/data/lake/");
  for (const std::string_view path : {"", "a%zz", "a%0", "a%00b", "file:/data/lake/%zz"}) {
    EXPECT_THAT(ResolveLogPath(local, "t", path), IsError(ErrorCode::kCorrupt)) << path;
  }
}

TEST(NormalizeLogPath, MakesTheFormsOfOnePathEqual) {
  EXPECT_EQ(MUST(NormalizeLogPath("a%20b")), "a b");
  EXPECT_EQ(MUST(NormalizeLogPath("a%2520b")), "a%20b");
  for (const std::string_view path : {"/x/a", "file:/x/a", "file:///x/a", "file:///x/%61"})
    EXPECT_EQ(MUST(NormalizeLogPath(path)), "/x/a") << path;
  for (const std::string_view path : {"./d/f", "d//f", "d/./f", "./%64//f"})
    EXPECT_EQ(MUST(NormalizeLogPath(path)), "d/f") << path;
  EXPECT_EQ(MUST(NormalizeLogPath("s3://b//x")), MUST(NormalizeLogPath("s3://b/./x")));
  EXPECT_EQ(MUST(NormalizeLogPath("s3a://b/x")), MUST(NormalizeLogPath("s3://b/x")));
  EXPECT_NE(MUST(NormalizeLogPath("s3://b/x")), MUST(NormalizeLogPath("s3://c/x")));
  EXPECT_THAT(NormalizeLogPath("%"), IsError(ErrorCode::kCorrupt));
}

TEST(PartitionFolder, FitsAStoreWhateverTheValues) {
  const auto folder_of = [](const std::string& value) { return PartitionFolder({{"p", value}}); };
  EXPECT_EQ(folder_of(std::string(198, 'x')), "p=" + std::string(198, 'x') + "/");
  EXPECT_EQ(folder_of(std::string(5000, 'x')), "p=" + std::string(198, 'x') + "/");
  EXPECT_EQ(folder_of(std::string(197, 'x') + "é"), "p=" + std::string(197, 'x') + "/");
  for (const size_t before : {196, 197})
    EXPECT_EQ(folder_of(std::string(before, 'x') + "::"), "p=" + std::string(before, 'x') + "/");
  EXPECT_EQ(folder_of(std::string(195, 'x') + "::"), "p=" + std::string(195, 'x') + "%3A/");
  const std::string value(150, 'x');
  EXPECT_EQ(PartitionFolder({{"a", value}, {"b", value}, {"c", value}}).size(), 3 * 153U);
  EXPECT_EQ(PartitionFolder({{"a", value}, {"b", value}, {"c", value}, {"d", value}}), "");
}

TEST(PartitionFolder, IsEscapedByHiveAndThenForTheLog) {
  const std::string folder =
      PartitionFolder({{"p", "a:b"}, {"q", "c d"}, {"r", std::nullopt}, {"s", ""}, {"t", "50%/\x01"}});
  EXPECT_EQ(folder, "p=a%3Ab/q=c d/r=__HIVE_DEFAULT_PARTITION__/s=__HIVE_DEFAULT_PARTITION__/t=50%25%2F%01/");
  EXPECT_EQ(EncodeLogPath(folder),
            "p=a%253Ab/q=c%20d/r=__HIVE_DEFAULT_PARTITION__/s=__HIVE_DEFAULT_PARTITION__/t=50%2525%252F%2501/");
}

TEST(EncodeLogPath, IsDecodedBackEqual) {
  std::string every;
  for (int c = 1; c < 256; c++) every += static_cast<char>(static_cast<unsigned char>(c));
  EXPECT_EQ(MUST(NormalizeLogPath(EncodeLogPath("x" + every))), "x" + every);
  EXPECT_EQ(MUST(NormalizeLogPath(EncodeLogPath("ab:c"))), "ab:c");
}

TEST(CommitPath, HasTwentyDigits) {
  EXPECT_EQ(CommitPath("a/t", 12), "a/t/_delta_log/00000000000000000012.json");
  EXPECT_EQ(CommitPath("", 0), "_delta_log/00000000000000000000.json");
  EXPECT_EQ(ChecksumPath("t", 1), "t/_delta_log/00000000000000000001.crc");
  EXPECT_EQ(LogFolder("t/"), "t/_delta_log/");
}

}  // namespace
}  // namespace yummy::delta
