"""The service as JSON: what members, operators and monitors ask of it by programs."""

from toottail.api.app import create_api
from toottail.api.metrics import Metrics

__all__ = ["Metrics", "create_api"]
