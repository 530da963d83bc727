"""The service as JSON: what members, operators and monitors ask of it by programs."""

from toottail.api.app import create_api

__all__ = ["create_api"]
