#include "yummy/server/http/spool.h"

#include "yummy/base/testing.h"

namespace yummy::server {
namespace {

TEST(Spool, GoesToAFileAndReadsBackTheSame) {
  Spool spool(1000, 10);
  std::string all;
  for (int i = 0; i < 30; i++) {
    const std::string piece = std::to_string(i * 7919);
    ASSERT_THAT(spool.Append(piece), IsOk());
    all += piece;
  }
  EXPECT_FALSE(spool.in_memory());
  EXPECT_EQ(*spool.Read(0, 1000), all);
  EXPECT_EQ(*spool.Read(5, 3), all.substr(5, 3));
  EXPECT_EQ(*spool.Read(all.size(), 1), "");
}

TEST(Spool, TakesItsLimitAndNotOneByteMore) {
  Spool spool(10, 100);
  ASSERT_THAT(spool.Append("0123456789"), IsOk());
  EXPECT_EQ(spool.memory(), "0123456789");
  const auto refused = spool.Append("x");
  ASSERT_THAT(refused, IsError(ErrorCode::kResourceExhausted));
  EXPECT_EQ(refused.error().reason_name(), "TOO_LARGE");
}

}  // namespace
}  // namespace yummy::server
