#include "yummy/store/open_store.h"

#include "yummy/base/testing.h"

namespace yummy::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ParseLocation, KnowsAPlaceHoweverItIsWritten) {
  struct Case {
    std::string location;
    std::string root;
    std::string place;
    std::string account;
  };
  const Case cases[] = {
      {"/data/lake", "/data/lake/", "/data/lake/", ""},
      {"../lake/./x", "/lake/x/", "/lake/x/", ""},
      {"file:///data/a%20b", "/data/a b/", "/data/a b/", ""},
      {"s3://b/x", "s3://b/x/", "s3://b/x/", ""},
      {"s3a://b/x/", "s3a://b/x/", "s3://b/x/", ""},
      {"s3://b", "s3://b/", "s3://b/", ""},
      {"s3://b/a%20b%3F", "s3://b/a b?/", "s3://b/a b?/", ""},
      {"https://s3.eu-west-1.amazonaws.com/b/x", "https://s3.eu-west-1.amazonaws.com/b/x/", "s3://b/x/", ""},
      {"https://my.b.s3.eu-west-1.amazonaws.com/x", "https://my.b.s3.eu-west-1.amazonaws.com/x/", "s3://my.b/x/", ""},
      {"gs://b/x", "gs://b/x/", "gs://b/x/", ""},
      {"https://storage.googleapis.com/b/x", "https://storage.googleapis.com/b/x/", "gs://b/x/", ""},
      {"https://b.storage.googleapis.com", "https://b.storage.googleapis.com/", "gs://b/", ""},
      {"az://c/x", "az://c/x/", "az://c/x/", ""},
      {"adl://c/x", "adl://c/x/", "az://c/x/", ""},
      {"abfss://c@acc.dfs.core.windows.net/x", "abfss://c@acc.dfs.core.windows.net/x/", "az://c/x/", "acc"},
      {"https://acc.blob.core.windows.net/c/x", "https://acc.blob.core.windows.net/c/x/", "az://c/x/", "acc"},
      {"https://acc.blob.core.windows.net/c", "https://acc.blob.core.windows.net/c/", "az://c/", "acc"},
  };
  for (const Case& test : cases) {
    const auto location = ParseLocation(test.location, "/base");
    ASSERT_THAT(location, IsOk()) << test.location;
    EXPECT_EQ(location->root, test.root) << test.location;
    EXPECT_EQ(location->place, test.place) << test.location;
    EXPECT_EQ(location->account, test.account) << test.location;
    EXPECT_EQ(location->is_local, test.root.starts_with('/')) << test.location;
  }
}

TEST(ParseLocation, RefusesWhatHoldsASecretWithoutRepeatingIt) {
  for (const char* location :
       {"", "ftp://CANARY/x", "http://CANARY/x", "s3://k:CANARY@b/x", "s3://CANARY@b", "gs://CANARY@b",
        "abfss://c:CANARY@acc.dfs.core.windows.net/x", "abfss://c@CANARY@acc.dfs.core.windows.net/x",
        "https://acc.blob.core.windows.net/c/x?sig=CANARY", "s3://b/x#CANARY", "s3://b/%zzCANARY", "s3://b/%00CANARY",
        "s3://b/a//CANARY", "s3://b/../CANARY", "s3://b/a\\CANARY", "s3:///CANARY", "file://CANARY/x"}) {
    const auto refused = ParseLocation(location, "/base");
    ASSERT_THAT(refused, IsError(ErrorCode::kInvalidArgument)) << location;
    EXPECT_THAT(refused.error().ToString(), Not(HasSubstr("CANARY")));
    EXPECT_THAT(OpenStore(location, {}), IsError(ErrorCode::kInvalidArgument)) << location;
  }
}

TEST(OpenStore, OpensFolders) {
  const TemporaryFolder folder;
  EXPECT_THAT(OpenStore(folder.path(), {}), IsOk());
  EXPECT_THAT(OpenStore("file://" + folder.path().string(), {}), IsOk());
  EXPECT_THAT(OpenStore(folder.path() / "absent", {}), IsError(ErrorCode::kNotFound));
}

#ifndef YUMMY_CLOUD
TEST(OpenStore, SaysThatTheProgramHasNoClouds) {
  for (const char* url : {"s3://b/x", "gs://b", "az://c/x", "https://acc.blob.core.windows.net/c"}) {
    EXPECT_THAT(OpenStore(url, {}), IsError(ErrorCode::kUnsupported)) << url;
  }
}
#endif

}  // namespace
}  // namespace yummy::store
