"""Settings with which the service would not work, or not be safe, found before it starts."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from toottail.errors import SettingsError
from toottail.settings import Settings

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def check(settings: Settings) -> None:
    """Raises `SettingsError` that names each problem and what to do."""
    problems = [*_address_problems(settings), *_file_problems(settings)]
    if problems:
        raise SettingsError("\n".join(problems))


def in_force(settings: Settings, port: int) -> Settings:
    """The settings as they are meant, when listening on ``port``.

    Where nobody said where the service is found it is found on this machine; and who forwards
    requests from this machine to a service that is public is its proxy.
    """
    changed: dict[str, object] = {}
    if not settings.has_service_url:
        scheme = "https" if settings.certificate is not None else "http"
        host = settings.listen_at[0]
        name = f"[{host}]" if ":" in host else "localhost"
        changed["service_url"] = f"{scheme}://{name}:{port}"
    elif _behind_local_proxy(settings):
        changed["trusted_proxies"] = _LOOPBACK
    return settings.model_copy(update=changed)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on ``host``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _behind_local_proxy(settings: Settings) -> bool:
    return (
        settings.service_url.startswith("https://")
        and settings.certificate is None
        and not settings.trusted_proxies
        and is_loopback(settings.listen_at[0])
    )


def _address_problems(settings: Settings) -> Iterator[str]:
    local = is_loopback(settings.listen_at[0])
    if not settings.has_service_url:
        if not local:
            yield (
                f"TOOTTAIL_SERVICE_URL is not set, but the service is to listen on "
                f"{settings.listen}, where others reach it: set it to the https address of your "
                "pages, or listen on 127.0.0.1"
            )
        return
    parts = urlsplit(settings.service_url)
    if parts.path:
        yield (
            f"TOOTTAIL_SERVICE_URL is {settings.service_url}: the service needs a name of its own, "
            f"without the path {parts.path}"
        )
    if parts.scheme == "http":
        yield from _http_problems(settings, local=local)
    else:
        yield from _https_problems(settings, local=local)


def _http_problems(settings: Settings, *, local: bool) -> Iterator[str]:
    if not local:
        yield (
            f"TOOTTAIL_SERVICE_URL is {settings.service_url}, for this machine alone, but others "
            f"reach {settings.listen}: listen on 127.0.0.1, or set an https address"
        )
    if settings.certificate is not None:
        yield (
            f"there is a certificate, but TOOTTAIL_SERVICE_URL is {settings.service_url}: it "
            "should begin with https"
        )


def _https_problems(settings: Settings, *, local: bool) -> Iterator[str]:
    if settings.authorize_at:
        yield (
            "TOOTTAIL_AUTHORIZE_AT is for the demonstration on one machine, not for a service at "
            f"{settings.service_url}: take it away"
        )
    if settings.certificate is None and not settings.trusted_proxies and not local:
        yield (
            f"nobody here speaks https, and others reach {settings.listen}: set "
            "TOOTTAIL_CERTIFICATE, or TOOTTAIL_TRUSTED_PROXIES to the address of the proxy that "
            "does, or listen on 127.0.0.1 behind one on this machine"
        )


def _file_problems(settings: Settings) -> Iterator[str]:
    if settings.certificate_key is not None and settings.certificate is None:
        yield "TOOTTAIL_CERTIFICATE_KEY is of no use without TOOTTAIL_CERTIFICATE"
