"""TootTail makes conversations whole on small Mastodon-compatible servers."""

__version__ = "0.1.0"
