#include "yummy/lake/config.h"

#include <stdlib.h>

#include <fstream>

#include <fmt/format.h>

#include "yummy/base/testing.h"

namespace yummy::lake {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Result<Config> Parse(std::string_view text) { return ParseConfig(text, "c.yaml", "/base"); }

constexpr std::string_view kStore = "stores:\n  - name: local\n    path: /data/lake\n";

TEST(Config, ReadsStoresServerAndLimits) {
  const auto config = Parse(std::string(kStore) +
                            "server: {host: 0.0.0.0, port: 9000, hosts: [lake.example]}\nlimits: {json_depth: 32}\n");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->stores[0].path, "/data/lake/");
  EXPECT_EQ(config->server.port, 9000);
  EXPECT_EQ(config->server.hosts, std::vector<std::string>{"lake.example"});
  EXPECT_EQ(config->limits.json_depth, 32U);
}

TEST(Config, ReadsTheCache) {
  const auto config = Parse(std::string(kStore) + "cache: {path: cache, log_bytes: 5, data_bytes: 7}");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->cache.path, "/base/cache/");
  EXPECT_EQ(config->cache.log_bytes, 5U);
  EXPECT_EQ(config->cache.data_bytes, 7U);
  EXPECT_EQ(Parse(kStore)->cache.path, "");
  for (const char* cache : {"{log_bytes: 5}", "{path: ''}", "{path: 's3://bucket/x'}", "{path: /data/lake/cache}",
                            "{path: /data}", "{path: /c, log_bytes: -1}", "{path: /c, size: 5}"}) {
    EXPECT_THAT(Parse(fmt::format("{}cache: {}", kStore, cache)), IsError(ErrorCode::kInvalidArgument)) << cache;
  }
}

TEST(Config, TakesRelativePathsAndFileUrls) {
  EXPECT_EQ(Parse("stores: [{name: a, path: ../x}]")->stores[0].path, "/x/");
  EXPECT_EQ(Parse("stores: [{name: a, path: tables}]")->stores[0].path, "/base/tables/");
  EXPECT_EQ(Parse("stores: [{name: a, path: 'file:///data/a%20b'}]")->stores[0].path, "/data/a b/");
}

TEST(Config, TakesUrlsOfTheCloudsAsTheyAre) {
  for (const char* url : {"s3://bucket/lake", "s3a://bucket", "gs://bucket/a%20b/", "az://container/lake", "adl://c/x",
                          "abfss://files@account.dfs.core.windows.net/lake", "https://bucket.s3.amazonaws.com/lake"}) {
    const auto config = Parse(fmt::format("stores: [{{name: a, path: '{}'}}]", url));
    ASSERT_THAT(config, IsOk()) << url;
    EXPECT_EQ(config->stores[0].path, url);
  }
}

TEST(Config, StoresInDifferentPlacesMayHaveEqualUrls) {
  const std::string text =
      "stores: [{name: a, path: 's3://b/x', storage_options: {AWS_ENDPOINT_URL: 'http://one'}},"
      " {name: b, path: 's3://b/x/y', storage_options: {aws_endpoint_url: 'http://two'}}]";
  EXPECT_THAT(Parse(text), IsOk());
}

TEST(Config, NoErrorRepeatsAUrl) {
  for (const char* url :
       {"s3://key:CANARY@bucket/x", "s3://CANARY@bucket/x", "https://a.blob.core.windows.net/c?sig=CANARY",
        "s3://bucket/%zzCANARY", "s3://bucket/x#CANARY", "s3://bucket/../CANARY", "s3:///CANARY",
        "abfss://c:CANARY@account.dfs.core.windows.net/x", "gs://b/CANARY//x"}) {
    const auto config = Parse(fmt::format("stores: [{{name: a, path: '{}'}}]", url));
    ASSERT_THAT(config, IsError(ErrorCode::kInvalidArgument)) << url;
    EXPECT_THAT(config.error().ToString(), ::testing::Not(HasSubstr("CANARY"))) << url;
  }
}

TEST(Config, ReplacesEnvironmentVariables) {
  ::setenv("YUMMY_TEST_FOLDER", "/from/env", 1);
  EXPECT_EQ(Parse("stores: [{name: a, path: '${YUMMY_TEST_FOLDER}/x'}]")->stores[0].path, "/from/env/x/");
}

TEST(Config, KeepsDocumentsOfOtherKinds) {
  const auto config = Parse(std::string("kind: config\n") + std::string(kStore) + "---\nkind: table\nwhatever: 1\n");
  ASSERT_THAT(config, IsOk());
  ASSERT_EQ(config->other_documents.size(), 1U);
  EXPECT_EQ(config->other_documents[0].kind, "table");
}

struct BadCase {
  const char* name;
  std::string text;
  const char* place;  // the message begins with it
  const char* says;
};

class BadConfig : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadConfig, IsRefusedWithPlaceAndReason) {
  const auto config = Parse(GetParam().text);
  ASSERT_THAT(config, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(config.error().reason_name(), "CONFIG");
  EXPECT_THAT(config.error().message(), AllOf(StartsWith(GetParam().place), HasSubstr(GetParam().says)));
}

std::string Deep(int depth) {
  return "stores: " + std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
}

INSTANTIATE_TEST_SUITE_P(
    All, BadConfig,
    ::testing::Values(
        BadCase{"Empty", "", "c.yaml: ", "empty"}, BadCase{"Blank", " \n\n", "c.yaml: ", "empty"},
        BadCase{"Binary", std::string("\x00\x01\xff", 3), "c.yaml: ", "not a text file"},
        BadCase{"TabIndent", "stores:\n\t- name: a", "c.yaml:2:", ""},
        BadCase{"DuplicateKey", "stores: []\nstores: []", "c.yaml:2:1: ", "twice"},
        BadCase{"UnclosedQuote", "stores: [{name: 'a}]", "c.yaml:1:", ""},
        BadCase{"SecondDocumentBroken", "stores: [{name: a, path: /x}]\n---\n[", "c.yaml:", ""},
        BadCase{"StoresIsAMap", "stores: {}", "c.yaml:1:9: ", "list"},
        BadCase{"NoStores", "stores: []", "c.yaml: ", "no stores"},
        BadCase{"NoName", "stores:\n  - path: /x", "c.yaml:2:5: ", "'name'"},
        BadCase{"NoPath", "stores:\n  - name: x", "c.yaml:2:5: ", "'path'"},
        BadCase{"DuplicateStore", "stores: [{name: a, path: /x}, {name: a, path: /y}]", "c.yaml:1:", "twice"},
        BadCase{"DuplicateStoreButForCase", "stores:\n  - {name: a, path: /x}\n  - {name: A, path: /y}",
                "c.yaml:3:5: ", "case"},
        BadCase{"SlashInName", "stores: [{name: a/b, path: /x}]", "c.yaml:1:", "slash"},
        BadCase{"DotsAsName", "stores: [{name: '..', path: /x}]", "c.yaml:1:", "invalid name"},
        BadCase{"HealthAsName", "stores: [{name: health, path: /x}]", "c.yaml:1:", "reserved"},
        BadCase{"SystemAsName", "stores: [{name: System, path: /x}]", "c.yaml:1:", "reserved"},
        BadCase{"UnsetVariable", "stores: [{name: a, path: '${YUMMY_TEST_UNSET}'}]",
                "c.yaml:1:", "YUMMY_TEST_UNSET is not set"},
        BadCase{"UnclosedVariable", "stores: [{name: a, path: '${'}]", "c.yaml:1:", "${"},
        BadCase{"NestedVariable", "stores: [{name: a, path: '${A${B}}'}]", "c.yaml:1:", "${"},
        BadCase{"FtpPath", "stores: [{name: a, path: 'ftp://x'}]", "c.yaml:1:", "not supported"},
        BadCase{"RemoteFileUrl", "stores: [{name: a, path: 'file://host/x'}]", "c.yaml:1:", "host"},
        BadCase{"MetadataAddress", "stores: [{name: a, path: 'http://169.254.169.254'}]", "c.yaml:1:", "not supported"},
        BadCase{"UnknownKey", "stores: [{name: a, pth: /x}]", "c.yaml:1:", "did you mean 'path'?"},
        BadCase{"UnknownTopKey", std::string(kStore) + "storez: 1", "c.yaml:4:1: ", "did you mean 'stores'?"},
        BadCase{"PortTooHigh", std::string(kStore) + "server: {port: 99999}", "c.yaml:4:", "65535"},
        BadCase{"PortIsText", std::string(kStore) + "server: {port: abc}", "c.yaml:4:", "whole number"},
        BadCase{"PortIsNegative", std::string(kStore) + "server: {port: -1}", "c.yaml:4:", "whole number"},
        BadCase{"UnknownKind", "kind: foo\nstores: []", "c.yaml:1:7: ", "expected one of"},
        BadCase{"CountIsNoFlag", "stores: [{name: a, path: /x, count_from_statistics: maybe}]",
                "c.yaml:1:", "true or false"},
        BadCase{"EqualPaths", "stores: [{name: a, path: /x}, {name: b, path: /x/}]", "c.yaml:1:", "equal or nested"},
        BadCase{"NestedPaths", "stores: [{name: a, path: /x}, {name: b, path: /x/y/../z}]",
                "c.yaml:1:", "equal or nested"},
        BadCase{"EqualUrls", "stores: [{name: a, path: 's3://b/x'}, {name: b, path: 's3a://b/x/'}]",
                "c.yaml:1:", "equal or nested"},
        BadCase{"NestedUrls", "stores: [{name: a, path: 'abfss://c/x'}, {name: b, path: 'az://c/x/y'}]",
                "c.yaml:1:", "equal or nested"},
        BadCase{"EqualPlacesOfOneAccount",
                "stores: [{name: a, path: 'abfss://c@acc.dfs.core.windows.net/x'},"
                " {name: b, path: 'az://c/x', storage_options: {AZURE_STORAGE_ACCOUNT_NAME: acc}}]",
                "c.yaml:1:", "equal or nested"},
        BadCase{"TooDeep", Deep(100), "c.yaml:", "limit exceeded"},
        BadCase{"ForeignTag", "stores: !!python/object:os.system [{name: a, path: /x}]", "c.yaml:1:", "tag"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Config, OneFolderByALinkAreEqualPaths) {
  const TemporaryFolder folder;
  const auto lake = folder.path() / "lake";
  const auto link = folder.path() / "link";
  std::filesystem::create_directory(lake);
  std::filesystem::create_directory_symlink(lake, link);
  const auto config = Parse(
      fmt::format("stores: [{{name: a, path: '{}'}}, {{name: b, path: '{}/inner'}}]", lake.string(), link.string()));
  ASSERT_THAT(config, IsError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(config.error().message(), HasSubstr("equal or nested"));
}

TEST(Config, SiblingPathsWithOnePrefixAreNotNested) {
  EXPECT_THAT(Parse("stores: [{name: a, path: /x/lake}, {name: b, path: /x/lake2}]"), IsOk());
}

TEST(Config, RefusesFilesThatCannotBeRead) {
  const TemporaryFolder folder;
  EXPECT_THAT(LoadConfig((folder.path() / "absent.yaml").string()), IsError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(LoadConfig(folder.path().string()), IsError(ErrorCode::kInvalidArgument));
  std::ofstream(folder.path() / "large.yaml") << std::string((1 << 20) + 1, '#');
  EXPECT_THAT(LoadConfig((folder.path() / "large.yaml").string()), IsError(ErrorCode::kInvalidArgument));
}

TEST(Config, ShowsNoValueOfAVariableOrAnOption) {
  ::setenv("YUMMY_TEST_SECRET", "CANARY", 1);
  for (const char* text : {
           "stores: [{name: a, path: /x, storage_options: {secret_access_key: [CANARY]}}]",
           "stores: [{name: a, path: /x, storage_options: CANARY}]",
           "stores: [{name: a, path: /x, storage_options: {k: CANARY, k: CANARY}}]",
           "stores: [{name: a, path: /x, storage_options: {k: 'CANARY${'}}]",
           "stores: [{name: a, path: /x, storage_option: {k: CANARY}}]",
           "stores: [{name: a, path: /x}]\nserver: {port: '${YUMMY_TEST_SECRET}'}",
           "stores: [{name: a, path: /x}]\nauth: {required: '${YUMMY_TEST_SECRET}'}",
           "kind: ${YUMMY_TEST_SECRET}",
       }) {
    const auto config = Parse(text);
    ASSERT_THAT(config, IsError(ErrorCode::kInvalidArgument)) << text;
    EXPECT_THAT(config.error().message(), Not(HasSubstr("CANARY"))) << text;
  }
}

TEST(Config, KnowsSecretsThatStandInTheFile) {
  const auto has_secrets = [](std::string_view options) {
    const auto config = Parse(fmt::format("stores: [{{name: a, path: /x, storage_options: {{{}}}}}]", options));
    return config->stores[0].has_inline_secrets;
  };
  ::setenv("YUMMY_TEST_SECRET", "CANARY", 1);
  for (const char* option : {"AWS_SECRET_ACCESS_KEY: x", "azure_storage_account_key: x", "sas_token: x", "token: x",
                             "google_service_account_key: x", "client_secret: x", "proxy_url: 'http://u:p@h'"}) {
    EXPECT_TRUE(has_secrets(option)) << option;
  }
  for (const char* option : {"secret_access_key: '${YUMMY_TEST_SECRET}'", "region: x", "access_key_id: x",
                             "web_identity_token_file: /x", "secret_access_key: ''", "proxy_url: 'http://h'"}) {
    EXPECT_FALSE(has_secrets(option)) << option;
  }
}

}  // namespace
}  // namespace yummy::lake
