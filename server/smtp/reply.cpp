#include "server/smtp/reply.hpp"

namespace dmarcbox::smtp {

std::string reply_codes(const Reply& reply) {
    auto codes = std::to_string(reply.code);
    if (!reply.enhanced.empty()) {
        codes.append(" ").append(reply.enhanced);
    }
    return codes;
}

void append_reply(std::string& out, const Reply& reply) {
    out.append(reply_codes(reply)).append(" ").append(reply.text).append("\r\n");
}

}  // namespace dmarcbox::smtp
