"""What `api` and `web` share of HTTP: cookies, who may ask, limits, headers, the shape of errors.

Each of them wraps itself in `shield.Shield`, and whoever puts them together wraps the whole: the
outermost one counts.
"""
