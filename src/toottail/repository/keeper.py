"""The keeper: the embedded server's parent, a small process that stops it when nobody is left.

It runs as a script of its own (no imports beyond a few of the standard library's, to stay small).
Every TootTail process that uses the server holds a shared lock on ``clients.lock``; the keeper
waits for the exclusive one. A lock ends with its holder, ``kill -9`` included, so the wait ends
exactly when the last user has gone, and whoever comes meanwhile waits until the server has stopped.

The server inherits the descriptor of ``keeper.lock``: that lock is free only once the keeper and
every process of the server are gone. Should the keeper itself be killed, the kernel tells the
server to shut down.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys

if sys.platform == "linux":
    import ctypes

LOG_LIMIT = 1 << 20
LOG_KEPT = 64 << 10
SECONDS_BETWEEN_TRIMS = 60
PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """``uid gid clients_fd log_fd postgres argument…``, as `embedded` starts it."""
    uid, gid, clients, log = (int(word) for word in arguments[:4])
    if os.fork():
        # The starter waits for this process only: it has no child to reap later on.
        os._exit(0)
    os.chdir("/")
    # Ctrl-C and a service manager's SIGTERM are for our users, who still need the server then.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.set_inheritable(clients, False)
    signal.signal(signal.SIGCHLD, _server_ended)
    trim(log)
    keeper = os.getpid()
    server = os.fork()
    if server == 0:
        _become_server(keeper, log, arguments[4:])
    signal.signal(signal.SIGALRM, lambda *_: trim(log))
    signal.setitimer(signal.ITIMER_REAL, SECONDS_BETWEEN_TRIMS, SECONDS_BETWEEN_TRIMS)
    fcntl.flock(clients, fcntl.LOCK_EX)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.kill(server, signal.SIGINT)
    os.waitpid(server, 0)


def _become_server(keeper: int, log: int, command: list[str]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        # SIGINT is PostgreSQL's fast shutdown: it ends sessions and writes a checkpoint. SIGTERM
        # would wait for sessions that may never end, SIGQUIT leave a recovery to the next start.
        # Set after the change of user, which clears it; the forking thread is the main one.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    if os.getppid() != keeper:
        os._exit(1)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        os.execv(command[0], command)  # noqa: S606 - the program and its arguments are our own
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127)


def _server_ended(*_: object) -> None:
    pid, _status = os.waitpid(-1, os.WNOHANG)
    if pid:
        os._exit(1)


def trim(log: int) -> None:
    """Cut the log behind the descriptor ``log`` down to its end, where it has grown too long."""
    size = os.fstat(log).st_size
    if size > LOG_LIMIT:
        tail = os.pread(log, LOG_KEPT, size - LOG_KEPT)
        os.ftruncate(log, 0)
        os.write(log, tail)


if __name__ == "__main__":
    main(sys.argv[1:])
