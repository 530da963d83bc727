"""Who asks: what endpoints depend on."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from toottail.errors import NotAllowed
from toottail.service import sessions
from toottail.service.context import Service
from toottail.service.http import addresses, cookies, origins
from toottail.types.service import Session


def service_of(request: Request) -> Service:
    """The service that this app was made for."""
    service: Service = request.app.state.service
    return service


Here = Annotated[Service, Depends(service_of)]


async def member(request: Request, service: Here) -> Session:
    """The session of whoever asks; with what changes something its csrf value must come.

    Raises `NotSignedIn` or `NotAllowed`.
    """
    session = await sessions.find(service, cookies.session_of(service, request))
    if request.method not in origins.SAFE_METHODS:
        sessions.check_csrf(session, request.headers.get(origins.CSRF_HEADER))
    return session


Member = Annotated[Session, Depends(member)]


async def operator(session: Member) -> Session:
    """The session of an operator. Raises `NotSignedIn` or `NotAllowed`."""
    if not session.is_operator:
        raise NotAllowed("This is for the operator of the service.")
    return session


Operator = Annotated[Session, Depends(operator)]


def address_of(request: Request, service: Here) -> str:
    """The visitor's address, as limits count it."""
    return addresses.visitor(service.settings, request.scope)


Address = Annotated[str, Depends(address_of)]
