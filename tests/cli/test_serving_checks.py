"""Settings that cannot work, or are not safe, are refused before anything starts."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from toottail.cli.serving_checks import check, in_force
from toottail.errors import SettingsError
from toottail.settings import Settings

PUBLIC = "https://tail.example.org"


def settings(**given: object) -> Settings:
    return Settings.model_validate(given)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"listen": "[::1]:8080"},
        {"listen": "localhost:1"},
        {"service_url": PUBLIC},
        {"service_url": "http://localhost:8080"},
        {"service_url": PUBLIC, "listen": "0.0.0.0:443", "certificate": "/x.pem"},
        {"service_url": PUBLIC, "listen": "[::]:8080", "trusted_proxies": "10.0.0.0/8"},
        {"authorize_at": ".example=http://localhost:1"},
    ],
)
def test_what_can_be_served_is_served(given: dict[str, object]) -> None:
    check(settings(**given))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"listen": "0.0.0.0:8080"}, "TOOTTAIL_SERVICE_URL is not set"),
        ({"listen": "[::]:8080"}, "listen on 127.0.0.1"),
        ({"listen": "tail.example.org:80"}, "TOOTTAIL_SERVICE_URL is not set"),
        (
            {"listen": "0.0.0.0:80", "service_url": "http://localhost:80"},
            "for this machine alone",
        ),
        ({"service_url": f"{PUBLIC}/tail"}, "without the path /tail"),
        ({"service_url": PUBLIC, "listen": "0.0.0.0:80"}, "nobody here speaks https"),
        ({"service_url": "http://localhost:1", "certificate": "/x.pem"}, "begin with https"),
        ({"certificate_key": "/x.pem"}, "TOOTTAIL_CERTIFICATE_KEY is of no use"),
        (
            {"service_url": PUBLIC, "authorize_at": ".example=http://localhost:1"},
            "TOOTTAIL_AUTHORIZE_AT is for the demonstration",
        ),
    ],
)
def test_what_cannot_be_is_said_with_what_to_do(given: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        check(settings(**given))
    assert told in str(refused.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        check(settings(listen="0.0.0.0:1", certificate_key="/x.pem"))
    assert len(str(refused.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://localhost:8088"),
        ({"listen": "[::1]:0"}, "http://[::1]:8088"),
        ({"certificate": "/x.pem"}, "https://localhost:8088"),
        ({"service_url": PUBLIC}, PUBLIC),
    ],
)
def test_a_service_without_an_address_is_found_on_this_machine(
    given: dict[str, object], url: str
) -> None:
    assert in_force(settings(**given), 8088).service_url == url


def test_a_proxy_on_this_machine_is_trusted_by_a_public_service_alone() -> None:
    public = in_force(settings(service_url=PUBLIC), 8080)
    assert ip_network("127.0.0.0/8") in public.trusted_proxies
    for given in (
        {},
        {"service_url": "http://localhost:8080"},
        {"service_url": PUBLIC, "certificate": "/x.pem"},
    ):
        assert in_force(settings(**given), 8080).trusted_proxies == ()


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("SERVICE_URL", "http://tail.example.org", "http is for localhost alone"),
        ("SERVICE_URL", "https://me:secret@tail.example.org", "expected something like"),
        ("SERVICE_URL", "tail.example.org", "expected something like"),
        ("LISTEN", "8080", "expected HOST:PORT"),
        ("LISTEN", "::1:8080", "in brackets"),
        ("LISTEN", "localhost:99999", "expected HOST:PORT"),
        ("CONTACT", "javascript:alert(1)", "an https URL or a mail address"),
        ("SUPPORT_URL", "http://example.org", "an https URL or a mail address"),
        ("SUPPORT_URL", "https://example.org/' onclick='x", "an https URL or a mail address"),
        ("OPERATORS", "me", "me is not an account"),
        ("HOMES", "example.social,::1", "::1 is not the name of a server"),
        ("SOURCE_URL", "me@example.org", "expected an https URL"),
        ("AUTHORIZE_AT", ".example=http://evil.example", "only http://localhost"),
    ],
)
def test_a_value_that_cannot_be_names_its_setting(
    tmp_path: Path, setting: str, value: str, told: str
) -> None:
    done = Shell(tmp_path).run("api", **{f"TOOTTAIL_{setting}": value})
    assert done.returncode == 2
    assert done.stderr.startswith(f"toottail: TOOTTAIL_{setting}: ")
    assert told in done.stderr


def test_values_are_understood_as_people_write_them() -> None:
    found = settings(
        service_url="HTTPS://Tail.Example.org:443/",
        contact="me@example.org",
        support_url="https://example.org/?a=b#c",
        operators="@Me@Example.social, you@example.org",
        homes="Example.social https://other.example/",
        authorize_at=".example=http://localhost:8401/",
    )
    assert found.service_url == PUBLIC
    assert found.contact == "mailto:me@example.org"
    assert found.support_url == "https://example.org/?a=b#c"
    assert found.operators == ("@me@example.social", "@you@example.org")
    assert found.homes == ("example.social", "other.example")
    assert found.authorize_at == {".example": "http://localhost:8401"}


def test_other_servers_are_never_sent_to_an_address_of_this_machine() -> None:
    assert "localhost" not in settings(service_url="http://localhost:8080").user_agent()
    assert PUBLIC in settings(service_url=PUBLIC).user_agent()
