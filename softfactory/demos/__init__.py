"""Recorded runs that ship with the program: answers a model once gave to real ideas."""

from dataclasses import dataclass
from pathlib import Path

from softfactory.errors import UsageError
from softfactory.models.recorded import Recording, read_recording

FOLDER = Path(__file__).parent
DEFAULT = "habits"


@dataclass(frozen=True)
class Demo:
    """A recorded run, by name."""

    name: str
    idea: str
    about: str


def demos() -> list[Demo]:
    """All recorded runs, by name."""
    found = []
    for path in sorted(FOLDER.glob("*.jsonl")):
        recording = read_recording(path)
        found.append(Demo(path.stem, recording.idea.splitlines()[0][:100], recording.about))
    return found


def recording_of(name: str) -> tuple[Path, Recording]:
    """The recording of a demo; no name means the default one.

    Raises:
        UsageError: there is none of this name.
    """
    path = FOLDER / f"{name or DEFAULT}.jsonl"
    if path.parent != FOLDER or not path.exists():
        known = ", ".join(demo.name for demo in demos())
        raise UsageError(f"{name!r} is no demo; there are {known}")
    return path, read_recording(path)
