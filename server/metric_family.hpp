#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox {

/// One metric with its label values: counter, gauge or histogram, as Prometheus' text format 0.0.4
/// has them. Not thread-safe.
class MetricFamily {
  public:
    enum class Type { counter, gauge, histogram };
    using Labels = std::initializer_list<std::string_view>;  ///< values, in the order of the names
    /// Values of labels come from closed lists; this ends what a mistake would let grow.
    static constexpr std::size_t kMaxSeries = 1100;

    /// `name` without the prefix `dmarcbox_` (names that begin with `process_` stay as they are).
    MetricFamily(Type type,
                 std::string_view name,
                 std::string_view help,
                 std::vector<std::string_view> labels = {},
                 std::vector<double> bounds = {});

    /// Exported as 0 from the start: a counter that appears with its first event hides it.
    void declare(Labels labels);
    void add(Labels labels, double amount = 1);
    void set(Labels labels, double value);
    void observe(Labels labels, double value);  ///< histograms
    /// 0 for a series that is not there. Histograms: how many were observed.
    [[nodiscard]] double value(Labels labels) const;

    void append_to(std::string& out) const;

  private:
    struct Series {
        double value = 0;                    ///< sum, for histograms
        std::uint64_t count = 0;             ///< histograms
        std::vector<std::uint64_t> buckets;  ///< histograms: not cumulative
    };
    /// Null: too many.
    [[nodiscard]] Series* series(Labels labels);
    [[nodiscard]] std::string label_text(Labels labels) const;
    void append_histogram(std::string& out, const std::string& labels, const Series& series) const;

    Type type_;
    std::string name_;
    std::string_view help_;
    std::vector<std::string_view> labels_;
    std::vector<double> bounds_;
    std::map<std::string, Series, std::less<>> series_;  ///< by label text
};

}  // namespace dmarcbox
