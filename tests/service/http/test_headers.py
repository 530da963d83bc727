"""The headers of every answer."""

from __future__ import annotations

from tests.service.http.services import service
from toottail.service.http.headers import security_headers


def test_nothing_from_elsewhere_runs_in_our_pages_and_no_page_holds_ours() -> None:
    told = security_headers(service())
    policy = told["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https:" in policy
    assert not any("unsafe" in part for part in policy)
    assert told["Strict-Transport-Security"] == "max-age=31536000"
    assert told["X-Content-Type-Options"] == "nosniff"


def test_forms_may_lead_to_the_plain_homes_of_a_demonstration() -> None:
    told = security_headers(
        service(
            service_url="http://localhost:8080",
            authorize_at=".example=http://localhost:8401, .test=https://localhost:8402",
        )
    )
    policy = told["Content-Security-Policy"].split("; ")
    assert "form-action 'self' https: http://localhost:8401" in policy
    assert "Strict-Transport-Security" not in told
