#include "server/commands/summary_chart.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "server/terminal.hpp"

namespace dmarcbox {
namespace {

constexpr double kWidth = 720;
constexpr double kHeight = 220;
constexpr double kLeft = 72;  // `2.5k` at the size that phones get
constexpr double kBottom = 24;
constexpr double kTop = 14;
constexpr double kRow = 20;
constexpr double kNames = 180;

// Bottom to top: what is fine carries the rest.
constexpr std::array<SourceClass, kSourceClasses> kStack{
    SourceClass::aligned, SourceClass::forwarder, SourceClass::misconfigured,
    SourceClass::unauthenticated};

std::string number(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::string rect(double x,
                 double y,
                 double width,
                 double height,
                 std::string_view style,
                 const std::string& title) {
    return "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) +
           "\" height=\"" + number(height) + "\" class=\"" + std::string(style) + "\"><title>" +
           title + "</title></rect>";
}

std::string text(double x, double y, std::string_view anchor, const std::string& words) {
    return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" +
           std::string(anchor) + R"(" aria-hidden="true">)" + words + "</text>";
}

std::string begin(double height, const char* title, const char* style = "rows") {
    return "<svg class=\"" + std::string(style) + R"(" role="img" viewBox="0 0 720 )" +
           number(height) + "\" aria-label=\"" + title +
           "\">"
           "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
           "patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" "
           "class=\"unauthenticated-ground\"/><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" "
           "class=\"hatch\"/></pattern></defs>";
}

/// 1, 2 or 5 times a power of ten, not below `value`.
std::int64_t round_up(std::int64_t value) {
    for (std::int64_t ten = 1; ten <= std::numeric_limits<std::int64_t>::max() / 50; ten *= 10) {
        for (const std::int64_t step : {1, 2, 5}) {
            if (step * ten >= value || ten > value) {
                return step * ten;
            }
        }
    }
    return value;
}

/// `2,500`, `25k`, `2.5M`: fits beside the axis whatever a provider receives.
std::string short_number(std::int64_t value) {
    if (value < 10000) {
        return with_commas(value);
    }
    constexpr std::array<const char*, 5> kUnits{"k", "M", "G", "T", "P"};
    auto shown = static_cast<double>(value) / 1000;
    std::size_t unit = 0;
    for (; shown >= 1000 && unit + 1 < kUnits.size(); ++unit) {
        shown /= 1000;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3g%s", shown, kUnits.at(unit));
    return text.data();
}

void first_and_last_day(std::string& svg, const SummaryFacts& facts, double left, double height) {
    if (!facts.days.empty()) {
        svg += text(left, height - 6, "start", facts.days.front().day);
        svg += text(kWidth, height - 6, "end", facts.days.back().day);
    }
}

struct PolicyLook {
    std::string_view style;
    double height;  ///< share of the strip
};

PolicyLook look_of(std::string_view p) {
    if (p == "reject") {
        return {"aligned", 1};
    }
    return p == "quarantine" ? PolicyLook{"misconfigured", 0.65} : PolicyLook{"forwarder", 0.3};
}

}  // namespace

std::string days_chart(const SummaryFacts& facts) {
    std::int64_t most = 1;
    for (const auto& day : facts.days) {
        most = std::max(most, day.all());
    }
    const std::int64_t top = round_up(most);
    const double plot = kHeight - kBottom - kTop;
    const double step =
        (kWidth - kLeft) / static_cast<double>(std::max<std::size_t>(facts.days.size(), 1));
    const double gap = step > 4 ? 1 : 0;
    const auto height_of = [&](std::int64_t value) {
        return plot * static_cast<double>(value) / static_cast<double>(top);
    };
    std::string svg = begin(kHeight, "Messages by day and class", "days");
    for (const std::int64_t part : {std::int64_t{0}, top / 2, top}) {
        if (part == 0 && svg.ends_with("</text>")) {
            continue;  // half of one message is none
        }
        const double y = kTop + plot - height_of(part);
        svg += "<line x1=\"" + number(kLeft) + R"(" x2="720" y1=")" + number(y) + "\" y2=\"" +
               number(y) + R"(" class="grid"/>)" +
               text(kLeft - 6, y + 4, "end", short_number(part));
    }
    for (std::size_t i = 0; i < facts.days.size(); ++i) {
        const SummaryDay& day = facts.days[i];
        const double x = kLeft + step * static_cast<double>(i);
        if (day.reports == 0) {
            svg += rect(x + gap, kTop, std::max(step - 2 * gap, 0.5), plot, "nothing",
                        day.day + ": no report");
            continue;
        }
        double y = kTop + plot;
        for (const auto source_class : kStack) {
            const std::int64_t messages = day.messages.at(static_cast<std::size_t>(source_class));
            if (messages == 0) {
                continue;
            }
            const double height = std::max(height_of(messages), 0.7);
            y -= height;
            svg += rect(x + gap / 2, y, std::max(step - gap, 0.5), std::max(height - gap, 0.5),
                        to_string(source_class),
                        day.day + ": " + with_commas(messages) + " " +
                            std::string(to_string(source_class)));
        }
    }
    first_and_last_day(svg, facts, kLeft, kHeight);
    return svg + "</svg>";
}

std::string reporters_chart(const SummaryFacts& facts, std::size_t most) {
    const std::size_t rows = std::min(facts.reporters.size(), most);
    const double height = kRow * static_cast<double>(rows) + kBottom;
    const double step =
        (kWidth - kNames) / static_cast<double>(std::max<std::size_t>(facts.days.size(), 1));
    std::string svg = begin(height, "Days on which each reporter sent a report");
    for (std::size_t row = 0; row < rows; ++row) {
        const SummaryReporter& reporter = facts.reporters[row];
        const double y = kRow * static_cast<double>(row) + 4;
        svg += text(kNames - 8, y + 10, "end",
                    escape_for_html(cut_middle(reporter.org_name, 24, true), false));
        for (std::size_t day = 0; day < facts.days.size(); ++day) {
            const double x = kNames + step * static_cast<double>(day);
            svg += rect(x, y, std::max(step - 1, 0.8), kRow - 8,
                        reporter.days[day] ? "aligned" : "nothing",
                        facts.days[day].day + (reporter.days[day] ? ": a report" : ": no report"));
        }
    }
    first_and_last_day(svg, facts, kNames, height);
    return svg + "</svg>";
}

std::string policies_chart(const SummaryFacts& facts, std::size_t most) {
    using Strip = std::pair<std::string_view, std::string_view>;
    std::vector<Strip> strips;
    std::string bars;
    const auto seconds =
        static_cast<double>(std::max<std::int64_t>(facts.end_at - facts.begin_at, 1));
    const auto x_of = [&](std::int64_t at) {
        const auto since =
            static_cast<double>(std::clamp(at, facts.begin_at, facts.end_at) - facts.begin_at);
        return kNames + (kWidth - kNames) * since / seconds;
    };
    for (const auto& policy : facts.policies) {
        const Strip strip{policy.domain, policy.org_name};
        auto row = std::find(strips.begin(), strips.end(), strip);
        if (row == strips.end()) {
            if (strips.size() == most) {
                continue;
            }
            row = strips.insert(row, strip);
            const std::string name =
                facts.domains.size() > 1 ? policy.domain + ", " + policy.org_name : policy.org_name;
            bars += text(kNames - 8, kRow * static_cast<double>(strips.size()) - 6, "end",
                         escape_for_html(cut_middle(name, 22, true), false));
        }
        const PolicyLook look = look_of(policy.p);
        const double y = kRow * static_cast<double>(row - strips.begin() + 1) - 4;
        const double height = (kRow - 6) * look.height;
        const double x = x_of(policy.first_seen_at);
        bars += rect(x, y - height, std::max(x_of(policy.last_seen_at) - x, 1.0), height,
                     look.style, escape_for_html("p=" + policy.p + ", " + policy.org_name, false));
    }
    const double height = kRow * static_cast<double>(strips.size()) + kBottom;
    std::string svg = begin(height, "Policy that each reporter saw") + bars;
    first_and_last_day(svg, facts, kNames, height);
    return svg + "</svg>";
}

}  // namespace dmarcbox
