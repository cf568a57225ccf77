#include "server/dns_resolver.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <unbound.h>

#include <array>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace dmarcbox {
namespace {

struct FreeResult {
    void operator()(ub_result* result) const noexcept { ub_resolve_free(result); }
};
using Result = std::unique_ptr<ub_result, FreeResult>;

std::string txt_value(std::string_view data) {
    std::string text;
    while (!data.empty()) {
        const auto length = static_cast<unsigned char>(data.front());
        text += data.substr(1, length);
        data.remove_prefix(std::min<std::size_t>(data.size(), std::size_t{1} + length));
    }
    return text;
}

std::string host_value(std::string_view wire) {
    std::string host;
    while (!wire.empty() && wire.front() != '\0') {
        const auto length = static_cast<unsigned char>(wire.front());
        if (!host.empty()) {
            host += '.';
        }
        host += wire.substr(1, length);
        wire.remove_prefix(std::min<std::size_t>(wire.size(), std::size_t{1} + length));
    }
    return host;
}

std::string value_of(std::string_view data, DnsResolver::Type type) {
    switch (type) {
        case DnsResolver::Type::txt:
            return txt_value(data);
        case DnsResolver::Type::mx:
            if (data.size() < 3) {
                return {};
            }
            return std::to_string(static_cast<unsigned char>(data[0]) * 256 +
                                  static_cast<unsigned char>(data[1])) +
                   " " + host_value(data.substr(2));
        case DnsResolver::Type::a:
        case DnsResolver::Type::aaaa: {
            const bool v4 = type == DnsResolver::Type::a;
            std::array<char, INET6_ADDRSTRLEN> text{};
            if (data.size() != (v4 ? 4U : 16U) || inet_ntop(v4 ? AF_INET : AF_INET6, data.data(),
                                                            text.data(), text.size()) == nullptr) {
                return {};
            }
            return text.data();
        }
    }
    return {};
}

DnsAnswer answer_of(const ub_result& result, DnsResolver::Type type) {
    if (result.havedata == 0) {
        // Rcodes 0 (no data) and 3 (NXDOMAIN) are answers; the rest means the server could not
        // tell.
        if (result.rcode == 0 || result.rcode == 3) {
            return {DnsAnswer::Status::nothing, {}, {}};
        }
        return {DnsAnswer::Status::failed,
                {},
                "the name server answered code " + std::to_string(result.rcode)};
    }
    DnsAnswer answer{DnsAnswer::Status::found, {}, {}};
    for (int i = 0; result.data[i] != nullptr; ++i) {
        answer.values.push_back(
            value_of({result.data[i], static_cast<std::size_t>(result.len[i])}, type));
    }
    return answer;
}

struct Waiting {
    int error = 0;
    Result result;
    bool done = false;
};

void on_answer(void* data, int error, ub_result* result) {
    auto& waiting = *static_cast<Waiting*>(data);
    waiting.error = error;
    waiting.result.reset(result);
    waiting.done = true;
}

}  // namespace

struct DnsResolver::Impl {
    struct Delete {
        void operator()(ub_ctx* context) const noexcept { ub_ctx_delete(context); }
    };
    std::unique_ptr<ub_ctx, Delete> context{ub_ctx_create()};
};

DnsResolver::DnsResolver(const std::string& server) : impl_(std::make_unique<Impl>()) {
    ub_ctx* context = impl_->context.get();
    if (context == nullptr) {
        throw std::runtime_error("cannot start the resolver: out of memory");
    }
    if (server.empty()) {
        if (const int error = ub_ctx_resolvconf(context, nullptr); error != 0) {
            throw std::runtime_error(std::string("cannot read /etc/resolv.conf: ") +
                                     ub_strerror(error));
        }
    } else if (const int error = ub_ctx_set_fwd(context, server.c_str()); error != 0) {
        throw std::invalid_argument("--name-server \"" + server +
                                    "\" is not ADDRESS or ADDRESS@PORT");
    }
    // A name server on this machine is a usual choice, and what the tests use.
    std::string option = "do-not-query-localhost:";
    std::string value = "no";
    ub_ctx_set_option(context, option.c_str(), value.c_str());
    ub_ctx_async(context, 1);
}

DnsResolver::~DnsResolver() = default;

DnsAnswer DnsResolver::resolve(const std::string& name, Type type, std::chrono::seconds patience) {
    ub_ctx* context = impl_->context.get();
    Waiting waiting;
    int id = 0;
    constexpr int kInternet = 1;
    if (const int error = ub_resolve_async(context, name.c_str(), static_cast<int>(type), kInternet,
                                           &waiting, on_answer, &id);
        error != 0) {
        return {DnsAnswer::Status::failed, {}, ub_strerror(error)};
    }
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!waiting.done) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) {
            ub_cancel(context, id);
            return {DnsAnswer::Status::failed,
                    {},
                    "no answer in " + std::to_string(patience.count()) + " s"};
        }
        pollfd ready{ub_fd(context), POLLIN, 0};
        if (::poll(&ready, 1, static_cast<int>(left.count())) > 0) {
            ub_process(context);
        }
    }
    if (waiting.error != 0) {
        return {DnsAnswer::Status::failed, {}, ub_strerror(waiting.error)};
    }
    return answer_of(*waiting.result, type);
}

}  // namespace dmarcbox
