"""Writes Prometheus' text format: families of samples, with every label escaped. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n"})


class MetricSample(NamedTuple):
    """One value, with its labels. suffix: what stands behind the family's name, as histograms have it."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


class Family(NamedTuple):
    """All samples of one name."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Sequence[MetricSample]


def text(families: Iterable[Family]) -> str:
    """Returns the families as text. A family without a sample is left out."""
    return "".join(_family(each) for each in families if each.samples)


def histogram(
    labels: Mapping[str, str], counts: Mapping[float, int], longer: int, total_seconds: float
) -> list[MetricSample]:
    """Returns the samples of a histogram.

    Args:
        labels: Those of each sample.
        counts: How many fell into each bucket, by its end in seconds, and not into one before it.
        longer: How many took longer than the last of them.
        total_seconds: What all of them came to.
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
