"""How fast the pretend fediverse answers, and how hard it limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Times are in seconds; ``latency_scale`` multiplies all of them but the crawl's.

    ``resolve``: a resolve at the home. ``job``: one level of ancestors. ``late``: how long after
    the answer a home that fetches ancestors late has them. ``give_up``: how long the home waits for
    a host that hangs. ``crawl_min_age``, ``crawl_interval``: a 4.5 home crawls replies of posts
    older than this, and each post only so often. ``throttle_scale`` shrinks the periods of all
    limits, ``limit_scale`` the limits. ``pace``: new replies a second, in worlds of many homes.
    ``alive``: each stream has a sign of life so often.
    """

    latency_scale: float = 1.0
    resolve: float = 0.2
    job: float = 0.1
    late: float = 2.0
    give_up: float = 5.0
    crawl_min_age: float = 300
    crawl_interval: float = 900
    throttles: bool = True
    throttle_scale: float = 1.0
    limit_scale: float = 1.0
    pace: float = 0.0
    alive: float = 15.0
