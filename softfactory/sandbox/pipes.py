"""The side channels to the process that puts up the walls."""

import os

from softfactory.errors import SandboxUnavailable


class Pipe:
    """A pipe to a process we start: whichever ends are left are closed at the end."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def send(self, data: bytes) -> None:
        """Write everything and close; raises SandboxUnavailable when nobody listens."""
        os.close(self.reading)
        self.reading = -1
        writing, self.writing = self.writing, -1
        try:
            with os.fdopen(writing, "wb") as file:
                file.write(data)
        except BrokenPipeError:
            raise SandboxUnavailable("the process ended before it read its instructions") from None

    def receive(self) -> str:
        """Read to the end what the process had to say."""
        reading, self.reading = self.reading, -1
        with os.fdopen(reading, "rb") as file:
            return file.read(1000).decode(errors="replace")

    def close_writing(self) -> None:
        """Leave the writing end to the process alone."""
        os.close(self.writing)
        self.writing = -1

    def close(self) -> None:
        """Close what is still open."""
        for descriptor in (self.reading, self.writing):
            if descriptor >= 0:
                os.close(descriptor)
