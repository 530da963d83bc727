"""The pages on which members of the pretend home say yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif }}
body {{ max-width: 30rem; margin: 3rem auto; padding: 0 1rem }}
button {{ font: inherit; padding: .5rem 1rem; margin: .3rem .5rem .3rem 0 }}
</style>
</head>
<body>
<main>
{content}
</main>
</body>
</html>
"""

_AUTHORIZE = """<h1>{home}</h1>
<p>A pretend server, for trying things out.</p>
<p><strong>{app}</strong> would like to</p>
<ul>
{scopes}
</ul>
<form method="post">
<input type="hidden" name="decision" value="allow">
{users}
</form>
<form method="post">
<button name="decision" value="deny">Deny</button>
</form>"""


def authorize(home: str, app: str, scopes: Sequence[str], users: Sequence[str]) -> str:
    """The page that asks; one button for each of ``users``."""
    content = _AUTHORIZE.format(
        home=escape(home),
        app=escape(app),
        scopes="\n".join(f"<li><code>{escape(scope)}</code></li>" for scope in scopes),
        users="\n".join(
            f'<button name="user" value="{escape(user)}">Log in as @{escape(user)}</button>'
            for user in users
        ),
    )
    return _PAGE.format(title=f"{escape(home)}: authorize {escape(app)}", content=content)


def problem(text: str) -> str:
    """The page that says why it cannot be."""
    return _PAGE.format(title="An error", content=f"<h1>An error</h1>\n<p>{escape(text)}</p>")
