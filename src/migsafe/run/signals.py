"""Signals as they arrive, for a thread: the main one may be deep in a driver's C code, where Python runs no handler.

Measured: psycopg2 comes back from a statement only when the server answers, Ctrl-C or not.
"""

import signal
import socket
import threading

_ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM})


class Signals:
    """`seen` is true once for those that end a run. Sees nothing outside of the main thread, nor where somebody else
    (an event loop of the program's) has asked to be woken.
    """

    def __init__(self) -> None:
        self._ours: socket.socket | None = None
        self._pair: tuple[socket.socket, socket.socket] | None = None

    def __enter__(self) -> "Signals":
        if threading.current_thread() is not threading.main_thread():
            return self
        reader, writer = self._pair = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        if before == -1:
            self._ours = reader
        else:
            signal.set_wakeup_fd(before)
        return self

    def __exit__(self, *_: object) -> None:
        if self._ours is not None:
            signal.set_wakeup_fd(-1)
            self._ours = None
        for each in self._pair or ():
            each.close()

    def seen(self) -> bool:
        """Whether one has arrived since the last time."""
        if self._ours is None:
            return False
        try:
            return not _ENDING.isdisjoint(self._ours.recv(4096))
        except OSError:
            return False
