"""What the service does for visitors, members and operators, whoever asks: JSON, pages or shell.

`api` and `web` only translate between HTTP and this.
"""
