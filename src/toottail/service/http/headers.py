"""The headers that every answer carries."""

from __future__ import annotations

from urllib.parse import urlsplit

from toottail.service.context import Service

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # Tells other sites as little as no-referrer does; that one would also take the Origin from
    # the forms of our own pages, by which we know them.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_A_YEAR = 31_536_000


def security_headers(service: Service) -> dict[str, str]:
    """Headers for each answer; Cache-Control (no-store) is only for those that name none."""
    headers = {**_ALWAYS, "Content-Security-Policy": _policy(service)}
    if service.is_secure:
        headers["Strict-Transport-Security"] = f"max-age={_A_YEAR}"
    return headers


def _policy(service: Service) -> str:
    # A form that begins a sign-in ends at the home, and browsers hold redirects to this as well.
    targets = ["'self'", "https:", *sorted(_plain_homes(service))]
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"connect-src 'self'; form-action {' '.join(targets)}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def _plain_homes(service: Service) -> set[str]:
    """Origins of sign-in pages over plain http, of a demonstration."""
    parts = (urlsplit(url) for url in service.settings.authorize_at.values())
    return {f"{part.scheme}://{part.netloc}" for part in parts if part.scheme == "http"}
