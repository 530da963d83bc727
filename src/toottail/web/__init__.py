"""The pages: rendered on the server, whole without JavaScript.

``pages/`` has a file for each group of pages, ``templates/`` their HTML, ``messages/`` every word
that they say. `create_web` binds them to a service.
"""

from toottail.web.app import create_web

__all__ = ["create_web"]
