"""Families of figures as Prometheus has them, made from plain counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from toottail.types.counts import Spread

_PREFIX = "toottail_"


def counter(
    name: str, about: str, labels: Iterable[str] = (), values: Mapping[Any, float] | float = 0.0
) -> Metric:
    """A sum that only grows; ``values`` by label, or by a tuple of them."""
    return _filled(CounterMetricFamily(_PREFIX + name, about, labels=list(labels)), labels, values)


def gauge(
    name: str, about: str, labels: Iterable[str] = (), values: Mapping[Any, float] | float = 0.0
) -> Metric:
    """What is now, likewise."""
    return _filled(GaugeMetricFamily(_PREFIX + name, about, labels=list(labels)), labels, values)


def histogram(
    name: str, about: str, labels: Iterable[str], spreads: Mapping[Any, Spread]
) -> Metric:
    """How long something took, or was late; ``spreads`` by label, () where there is none."""
    family = HistogramMetricFamily(_PREFIX + name, about, labels=list(labels))
    for key, spread in spreads.items():
        family.add_metric(_words(key), buckets=spread.buckets(), sum_value=spread.total)
    return family


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily,
    labels: Iterable[str],
    values: Mapping[Any, float] | float,
) -> Metric:
    if isinstance(values, Mapping):
        for key, value in values.items():
            family.add_metric(_words(key), value)
    elif not list(labels):
        family.add_metric([], values)
    return family


def _words(key: object) -> list[str]:
    return [str(word) for word in key] if isinstance(key, tuple) else [str(key)]
