"""How origins answer that speak neither Mastodon's API nor plain collections: a module for each.

`Flavour.api` names one of `APIS`. Such a host answers with it first, and what it leaves alone is
answered as ActivityPub is.
"""

from __future__ import annotations

from toottail.simulator.apis.base import Api

APIS: dict[str, Api] = {}
"""By the word that a `Flavour` uses."""
