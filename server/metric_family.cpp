#include "server/metric_family.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace dmarcbox {
namespace {

std::string number_text(double value) {
    if (std::isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} ? std::string(text.data(), end) : "NaN";
}

std::string_view type_name(MetricFamily::Type type) {
    switch (type) {
        case MetricFamily::Type::counter:
            return "counter";
        case MetricFamily::Type::histogram:
            return "histogram";
        case MetricFamily::Type::gauge:
            break;
    }
    return "gauge";
}

void append_escaped(std::string& out, std::string_view value) {
    for (const char c : value) {
        if (c == '\n') {
            out += "\\n";
        } else {
            if (c == '"' || c == '\\') {
                out += '\\';
            }
            out += c;
        }
    }
}

void append_sample(std::string& out,
                   std::string_view name,
                   std::string_view suffix,
                   std::string_view labels,
                   const std::string& value) {
    out.append(name).append(suffix);
    if (!labels.empty()) {
        out.append("{").append(labels).append("}");
    }
    out.append(" ").append(value).append("\n");
}

}  // namespace

MetricFamily::MetricFamily(Type type,
                           std::string_view name,
                           std::string_view help,
                           std::vector<std::string_view> labels,
                           std::vector<double> bounds)
    : type_(type),
      name_(name.starts_with("process_") ? std::string(name) : "dmarcbox_" + std::string(name)),
      help_(help),
      labels_(std::move(labels)),
      bounds_(std::move(bounds)) {
    if (labels_.empty()) {
        declare({});
    }
}

std::string MetricFamily::label_text(Labels labels) const {
    if (labels.size() != labels_.size()) {
        throw std::logic_error(name_ + ": wrong number of labels");
    }
    std::string text;
    auto name = labels_.begin();
    for (const auto value : labels) {
        text.append(text.empty() ? "" : ",").append(*name).append("=\"");
        append_escaped(text, value);
        text += '"';
        ++name;
    }
    return text;
}

MetricFamily::Series* MetricFamily::series(Labels labels) {
    auto text = label_text(labels);
    const auto found = series_.find(text);
    if (found != series_.end()) {
        return &found->second;
    }
    if (series_.size() >= kMaxSeries) {
        return nullptr;
    }
    Series& made = series_[std::move(text)];
    made.buckets.resize(bounds_.size());
    return &made;
}

void MetricFamily::declare(Labels labels) {
    (void)series(labels);
}

void MetricFamily::add(Labels labels, double amount) {
    if (auto* const found = series(labels)) {
        found->value += amount;
    }
}

void MetricFamily::set(Labels labels, double value) {
    if (auto* const found = series(labels)) {
        found->value = value;
    }
}

void MetricFamily::observe(Labels labels, double value) {
    auto* const found = series(labels);
    if (found == nullptr) {
        return;
    }
    found->value += value;
    ++found->count;
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value);
    if (bucket != bounds_.end()) {
        ++found->buckets[static_cast<std::size_t>(bucket - bounds_.begin())];
    }
}

double MetricFamily::value(Labels labels) const {
    const auto found = series_.find(label_text(labels));
    if (found == series_.end()) {
        return 0;
    }
    return type_ == Type::histogram ? static_cast<double>(found->second.count)
                                    : found->second.value;
}

void MetricFamily::append_histogram(std::string& out,
                                    const std::string& labels,
                                    const Series& series) const {
    const std::string before = labels.empty() ? "" : labels + ",";
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < bounds_.size(); ++i) {
        total += series.buckets[i];
        append_sample(out, name_, "_bucket", before + "le=\"" + number_text(bounds_[i]) + "\"",
                      std::to_string(total));
    }
    append_sample(out, name_, "_bucket", before + "le=\"+Inf\"", std::to_string(series.count));
    append_sample(out, name_, "_sum", labels, number_text(series.value));
    append_sample(out, name_, "_count", labels, std::to_string(series.count));
}

void MetricFamily::append_to(std::string& out) const {
    out.append("# HELP ").append(name_).append(" ").append(help_).append("\n# TYPE ");
    out.append(name_).append(" ").append(type_name(type_)).append("\n");
    for (const auto& [labels, series] : series_) {
        if (type_ == Type::histogram) {
            append_histogram(out, labels, series);
        } else {
            append_sample(out, name_, "", labels, number_text(series.value));
        }
    }
}

}  // namespace dmarcbox
