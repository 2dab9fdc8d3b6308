#include "yummy/format/result/result_encoder.h"

namespace yummy::format {

std::string_view ContentType(ResultFormat format) {
  return format == ResultFormat::kArrow ? "application/vnd.apache.arrow.stream" : "application/json";
}

std::unique_ptr<ResultEncoder> MakeResultEncoder(ResultFormat format) {
  switch (format) {
    case ResultFormat::kArrow: return MakeArrowEncoder();
    case ResultFormat::kJson: return MakeJsonEncoder(/*braces=*/true);
    case ResultFormat::kJsonBraceless: return MakeJsonEncoder(/*braces=*/false);
  }
  return nullptr;
}

}  // namespace yummy::format
