"""The side channels to the process that puts up the walls."""

import os

from softfactory.errors import SandboxUnavailable


class Pipe:
    """A pipe to a process we start: whichever ends are left are closed at the end."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def send(self, data: bytes) -> None:
        """Write everything and close; raises SandboxUnavailable when nobody listens."""
        self._close_reading()
        try:
            with os.fdopen(self._given_away("writing"), "wb") as file:
                file.write(data)
        except BrokenPipeError:
            raise SandboxUnavailable("the process ended before it read its instructions") from None

    def receive(self) -> str:
        """Read to the end what the process had to say."""
        with os.fdopen(self._given_away("reading"), "rb") as file:
            return file.read(1000).decode(errors="replace")

    def close_writing(self) -> None:
        """Leave the writing end to the process alone."""
        _close(self._given_away("writing"))

    def close(self) -> None:
        """Close what is still open."""
        self._close_reading()
        self.close_writing()

    def _close_reading(self) -> None:
        _close(self._given_away("reading"))

    def _given_away(self, end: str) -> int:
        """An end, forgotten here first: its number is closed once, whoever does it."""
        descriptor: int = getattr(self, end)
        setattr(self, end, -1)
        return descriptor


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)
