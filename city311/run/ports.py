"""Whether the three ports are free."""

from __future__ import annotations

import errno
import socket

from city311.settings import Settings


def problems(settings: Settings) -> list[str]:
    """What stands in the way of listening, one sentence each with the variable that changes it."""
    wanted = (
        ("portal", settings.portal_host, settings.portal_port, "CITY311_PORTAL_PORT"),
        ("dialogue", "127.0.0.1", settings.dialogue_port, "CITY311_DIALOGUE_PORT"),
        ("actions", "127.0.0.1", settings.actions_port, "CITY311_ACTIONS_PORT"),
    )
    found = []
    owners: dict[int, str] = {}
    for name, host, port, variable in wanted:
        if port in owners:
            found.append(f"Port {port} is set for both {owners[port]} and {name}. Give {name} its own: {variable}=…")
            continue
        owners[port] = name
        problem = _problem(name, host, port, variable)
        if problem:
            found.append(problem)
    return found


def _problem(name: str, host: str, port: int, variable: str) -> str:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        return f"CITY311_PORTAL_HOST is {host!r}, which is no address. Use 127.0.0.1, or 0.0.0.0 for every network."
    with socket.socket(family, kind, protocol) as listener:
        # As the servers do: a port that waits for its last connections to fade counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(1)
        except OSError as error:
            return _explain(error, name, host, port, variable)
    return ""


def _explain(error: OSError, name: str, host: str, port: int, variable: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host}, for {name}, is taken by another program. Stop that one, or choose another port, "
            f"for example: {variable}={port + 1000 if port < 60000 else port - 1000} make run"
        )
    if error.errno == errno.EACCES:
        return f"Port {port}, for {name}, needs rights that this user does not have. Set {variable} above 1023."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"This machine does not have the address {host}. Set CITY311_PORTAL_HOST to one it has."
    return f"Cannot listen on {host}:{port}, for {name}: {error.strerror}. Change it with {variable}."
