#include "yummy/server/http/header_check.h"

#include "yummy/base/testing.h"
#include "yummy/base/text.h"

namespace yummy::server {
namespace {

struct BadHeader {
  const char* name;
  std::vector<HeaderLine> lines;
  const char* reason;
};

class HeaderCheckTest : public ::testing::TestWithParam<BadHeader> {};

TEST_P(HeaderCheckTest, IsRefused) {
  const lake::Config config;
  std::vector<HeaderLine> lines = GetParam().lines;
  const bool has_host =
      std::any_of(lines.begin(), lines.end(), [](const auto& line) { return EqualsIgnoringCase(line.name, "host"); });
  if (!has_host && std::string_view(GetParam().reason) != "BAD_HOST") lines.push_back({"Host", "127.0.0.1:8080"});
  const auto checked = CheckHeader("/x", lines, {&config});
  ASSERT_THAT(checked, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(checked.error().reason_name(), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    All, HeaderCheckTest,
    ::testing::Values(
        BadHeader{"LengthAndCoding", {{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}, "BAD_FRAMING"},
        BadHeader{"TwoLengths", {{"Content-Length", "5"}, {"content-length", "6"}}, "BAD_FRAMING"},
        BadHeader{"LengthList", {{"Content-Length", "5, 6"}}, "BAD_FRAMING"},
        BadHeader{"SignedLength", {{"Content-Length", "+5"}}, "BAD_FRAMING"},
        BadHeader{"NegativeLength", {{"Content-Length", "-1"}}, "BAD_FRAMING"},
        BadHeader{"HexLength", {{"Content-Length", "0x5"}}, "BAD_FRAMING"},
        BadHeader{"LongLength", {{"Content-Length", "99999999999999999999"}}, "BAD_FRAMING"},
        BadHeader{"UnknownCoding", {{"Transfer-Encoding", "xchunked"}}, "UNKNOWN_TRANSFER_CODING"},
        BadHeader{"CodingList", {{"Transfer-Encoding", "chunked, identity"}}, "BAD_FRAMING"},
        BadHeader{"TwiceChunked", {{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}, "BAD_FRAMING"},
        BadHeader{"NoHost", {}, "BAD_HOST"},
        BadHeader{"TwoHosts", {{"Host", "localhost"}, {"Host", "localhost"}}, "BAD_HOST"},
        BadHeader{"HostWithSpace", {{"Host", "a b"}}, "BAD_HOST"},
        BadHeader{"HostAfterBrackets", {{"Host", "[::1]evil.example"}}, "BAD_HOST"},
        BadHeader{"HostWithoutBracket", {{"Host", "[::1"}}, "BAD_HOST"},
        BadHeader{"HostWithTwoPorts", {{"Host", "[::1]:80:80"}}, "BAD_HOST"},
        BadHeader{"HostWithBadPort", {{"Host", "[::1]:http"}}, "BAD_HOST"},
        BadHeader{"ForeignHost", {{"Host", "evil.example"}}, "MISDIRECTED"},
        BadHeader{"OtherExpectation", {{"Expect", "200-ok"}}, "EXPECTATION_FAILED"},
        BadHeader{"Compressed", {{"Content-Encoding", "br"}}, "UNSUPPORTED_MEDIA_TYPE"},
        BadHeader{"TooManyLines", std::vector<HeaderLine>(101, {"a", "b"}), "HEADERS_TOO_LARGE"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(HeaderCheck, TakesOurHosts) {
  lake::Config config;
  config.server.hosts = {"Lake.example"};
  for (const char* host : {"localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]", "[::1]:80", "lake.example:443"}) {
    EXPECT_THAT(CheckHeader("/x", {{"Host", host}}, {&config}), IsOk()) << host;
  }
  EXPECT_THAT(CheckHeader("/x", {}, {.config = &config, .http_1_0 = true}), IsOk());
  const lake::Config open;
  EXPECT_THAT(CheckHeader("/x", {{"Host", "any.example"}}, {.config = &open, .loopback = false}), IsOk());
}

TEST(HeaderCheck, BoundsTheTargetAndTheHeader) {
  const lake::Config config;
  const HeaderLine host{"Host", "localhost"};
  EXPECT_THAT(CheckHeader(std::string(config.limits.uri_bytes, 'a'), {host}, {&config}), IsOk());
  const auto long_target = CheckHeader(std::string(config.limits.uri_bytes + 1, 'a'), {host}, {&config});
  ASSERT_FALSE(long_target.ok());
  EXPECT_EQ(long_target.error().reason_name(), "URI_TOO_LONG");
  const std::string large(config.limits.header_bytes, 'a');
  const auto long_header = CheckHeader("/x", {host, {"a", large}}, {&config});
  ASSERT_FALSE(long_header.ok());
  EXPECT_EQ(long_header.error().reason_name(), "HEADERS_TOO_LARGE");
}

TEST(MediaType, SplitsOffTheCharset) {
  const MediaType type = ParseMediaType("Application/JSON ; charset=\"UTF-8\"");
  EXPECT_EQ(type.type, "application/json");
  EXPECT_EQ(type.charset, "utf-8");
}

}  // namespace
}  // namespace yummy::server
