"""Rate limits: fixed windows aligned to the epoch, told as Mastodon tells them."""

from __future__ import annotations

from pathlib import Path

from toottail.simulator.throttles import TOKEN, USER, USER_PAGING, Throttles

from .scenery import empty, root, running


def test_a_window_lets_its_limit_pass_and_ends_at_a_multiple_of_its_period() -> None:
    throttles = Throttles()
    verdicts = [throttles.count([(TOKEN, "t")], 899.0) for _ in range(301)]
    assert [v.allowed for v in verdicts] == [True] * 300 + [False]
    assert verdicts[0].headers["X-RateLimit-Remaining"] == "299"
    assert verdicts[-1].headers["X-RateLimit-Remaining"] == "0"
    assert verdicts[-1].headers["X-RateLimit-Reset"] == "1970-01-01T00:15:00.000000Z"
    assert throttles.count([(TOKEN, "t")], 900.0).allowed
    assert throttles.refused == 1


def test_headers_describe_the_limit_nearest_to_empty() -> None:
    throttles = Throttles()
    for _ in range(10):
        verdict = throttles.count([(TOKEN, "t"), (USER_PAGING, "u")], 1000.0)
    assert verdict.headers["X-RateLimit-Reset"] == "1970-01-01T00:20:00.000000Z"
    for _ in range(5):
        throttles.count([(USER_PAGING, "u")], 1000.0)
    verdict = throttles.count([(TOKEN, "t"), (USER_PAGING, "u")], 1000.0)
    assert verdict.headers["X-RateLimit-Remaining"] == "284"
    assert verdict.headers["X-RateLimit-Reset"] == "1970-01-01T00:30:00.000000Z"


def test_several_tokens_of_a_user_share_the_users_limit() -> None:
    throttles = Throttles(limit_scale=0.01)
    allowed = [
        throttles.count([(TOKEN, f"t{n % 6}"), (USER, "u")], 1000.0).allowed for n in range(16)
    ]
    assert allowed == [True] * 15 + [False]


def test_scales_shrink_periods_and_limits() -> None:
    throttles = Throttles(time_scale=0.01, limit_scale=0.1)
    assert [throttles.count([(TOKEN, "t")], 1000.0).allowed for _ in range(31)][-1] is False
    assert throttles.count([(TOKEN, "t")], 1003.0).allowed


async def test_a_home_refuses_beyond_its_limit_and_an_origin_its_anonymous_readers(
    tmp_path: Path,
) -> None:
    world = empty(hosts=[("a.example", "mastodon"), ("h.example", "hollo")])
    top = root(world, "a.example")
    path = f"/api/v1/statuses/{world.hosts['a.example'].known[top]}"
    async with running(world, tmp_path, limit_scale=0.01, throttle_scale=1000) as client:
        home = [await client.member("/api/v1/timelines/home") for _ in range(4)]
        origin = [await client.get(f"https://a.example{path}") for _ in range(4)]
        pages = [await client.get(f"{top.uri}/replies?page=true") for _ in range(4)]
        free = [await client.get("https://h.example/api/v1/instance") for _ in range(9)]
    assert [a.status for a in home] == [200, 200, 200, 429]
    assert [a.status for a in origin] == [200, 200, 200, 429]
    assert [a.status for a in pages] == [200, 200, 200, 429]
    assert "Retry-After" not in home[-1].headers
    assert home[-1].headers["X-RateLimit-Remaining"] == "0"
    assert {a.status for a in free} == {200}
    assert "X-RateLimit-Limit" not in free[0].headers


async def test_throttles_can_be_switched_off(tmp_path: Path) -> None:
    async with running(empty(), tmp_path, limit_scale=0.001, throttles=False) as client:
        answers = [await client.member("/api/v1/timelines/home") for _ in range(5)]
    assert {a.status for a in answers} == {200}
