"""How origins answer that speak neither Mastodon's API nor plain collections: a module for each.

`Flavour.api` names one of `APIS`. Such a host answers with it first, and what it leaves alone is
answered as ActivityPub is.
"""

from __future__ import annotations

from toottail.simulator.apis import (
    bookwyrm,
    discourse,
    display,
    friendica,
    lemmy,
    mbin,
    misskey,
    nodebb,
    peertube,
    piefed,
    pixelfed,
    wordpress,
)
from toottail.simulator.apis.base import Api

APIS: dict[str, Api] = {
    "bookwyrm": bookwyrm.API,
    "discourse": discourse.API,
    "display": display.API,
    "friendica": friendica.API,
    "lemmy": lemmy.API,
    "mbin": mbin.API,
    "nodebb": nodebb.API,
    "misskey": misskey.API,
    "peertube": peertube.API,
    "piefed": piefed.API,
    "pixelfed": pixelfed.API,
    "wordpress": wordpress.API,
}
"""By the word that a `Flavour` uses."""
