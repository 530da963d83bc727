"""Getting an ActivityPub document: unsigned where that does, signed where it must be.

A host is asked unsigned first, and signed from the first refusal on. Signed at once are asked:
software that is known to answer nothing else, and hosts whose robots.txt turns crawlers away from
the document or lets them come once in a while only, as GoToSocial's does: those rules are not for
servers among each other. Without an actor of ours all these are refused, in words that say so.

Where an admin closed Pleroma or Akkoma (``public: false``, or ``restrict_unauthenticated`` for
activities) they deny to unsigned requests that a post exists, with 404, and show it to signed ones
(Akkoma's `Visibility` and `ActivityPubController`, 3.16 of 2025; Pleroma's up to 2.9).
"""

from __future__ import annotations

from toottail.errors import Forbidden, Gone, RobotsRefused
from toottail.servers.asker import Asker
from toottail.servers.dialects import base
from toottail.servers.dialects.objects import ACCEPT
from toottail.servers.dialects.software import DENYING, SIGNED_ONLY
from toottail.servers.door import Answer
from toottail.servers.nodeinfo import Software

_LONG_PAUSE = 60.0


async def get_document(ask: Asker, url: str, software: Software) -> Answer:
    """The document at ``url`` on the asked host.

    Raises `Forbidden` with words for people where no way of ours is welcome (``ask.signature``
    then says so to who asks next), `RobotsRefused` where robots.txt forbids even a signed request,
    or a signed one is not to be had, and all else that `Asker.get` raises.
    """
    if not ask.signs:
        return await _get_unsigned(ask, url, software)
    if ask.signature == "refused":
        raise Forbidden(ask.host, 401, base.SIGNATURE_REFUSED)
    must = ask.signature is not None or software.name in SIGNED_ONLY or _is_hindered(ask, url)
    if not must:
        try:
            return await ask.get(url, accept=ACCEPT)
        except Forbidden as error:
            must = error.status == 401
        except Gone as error:
            if error.status != 404 or software.name not in DENYING:
                raise
    try:
        return await ask.get(url, accept=ACCEPT, signed=True)
    except Forbidden as error:
        if ask.signature not in (None, "wanted"):
            raise  # it takes our signature, but does not show this to us
        if must:
            ask.signature = "refused"
        raise Forbidden(ask.host, error.status, base.SIGNATURE_REFUSED) from None


async def _get_unsigned(ask: Asker, url: str, software: Software) -> Answer:
    if ask.signature is not None or software.name in SIGNED_ONLY:
        raise Forbidden(ask.host, 401, base.NEEDS_SIGNATURE)
    try:
        return await ask.get(url, accept=ACCEPT)
    except Forbidden as error:
        if error.status == 401:
            ask.signature = "wanted"
        raise Forbidden(ask.host, error.status, base.NEEDS_SIGNATURE) from None
    except RobotsRefused as error:
        if ask.may(url, signed=True):
            raise RobotsRefused(ask.host, f"{error.what}; {base.ROBOTS_UNSIGNED}") from None
        raise


def _is_hindered(ask: Asker, url: str) -> bool:
    """Whether robots.txt stands in the way of an unsigned request, though not of a signed one."""
    hindered = ask.pause() >= _LONG_PAUSE or not ask.may(url)
    return hindered and ask.may(url, signed=True)
