"""Writes Prometheus' text format: families of samples, with every label escaped. It has no side effects."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n"})


class MetricSample(NamedTuple):
    """One value, with its labels. suffix: the text behind the family's name, such as "_bucket" in a histogram."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


class Family(NamedTuple):
    """All samples of one metric, with its name, kind and help text."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Sequence[MetricSample]


def text(families: Iterable[Family]) -> str:
    """Returns the families in Prometheus' text format. A family without a sample is left out."""
    return "".join(_family(each) for each in families if each.samples)


def histogram(
    labels: Mapping[str, str], counts: Mapping[float, int], longer: int, total_seconds: float
) -> list[MetricSample]:
    """Returns the samples of a histogram: the cumulative buckets, the sum and the count.

    Args:
        labels: The labels that each sample has.
        counts: How many durations fell into each bucket but not into one before it, by its end in seconds.
        longer: How many durations were longer than the end of the last bucket.
        total_seconds: The sum of all durations.
    """
    samples, sum_ = [], 0
    for end, count in sorted(counts.items()):
        sum_ += count
        samples.append(MetricSample({**labels, "le": f"{end:g}"}, sum_, "_bucket"))
    total = sum_ + longer
    samples.append(MetricSample({**labels, "le": "+Inf"}, total, "_bucket"))
    return [*samples, MetricSample(labels, total_seconds, "_sum"), MetricSample(labels, total, "_count")]


def _family(family: Family) -> str:
    lines = [f"# HELP {family.name} {family.help.translate(_HELP_ESCAPED)}", f"# TYPE {family.name} {family.kind}"]
    return "\n".join([*lines, *(_sample(family.name, each) for each in family.samples)]) + "\n"


def _sample(name: str, sample: MetricSample) -> str:
    labels = ",".join(f'{key}="{value.translate(_ESCAPED)}"' for key, value in sample.labels.items())
    shown = f"{{{labels}}}" if labels else ""
    value = f"{sample.value:.3f}".rstrip("0").rstrip(".") if isinstance(sample.value, float) else str(sample.value)
    return f"{name}{sample.suffix}{shown} {value}"
