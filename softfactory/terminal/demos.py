"""The demos as a terminal knows them."""

from pathlib import Path

from softfactory.config import Settings
from softfactory.demos import demos, recording_of


def print_demos() -> None:
    """All recorded runs that ship."""
    for known in demos():
        print(f"{known.name:<12} {known.idea}\n{'':<12} {known.about}\n")


def demo_settings(name: str, out: Path | None) -> tuple[str, Settings]:
    """The idea of a demo, and the settings that replay it."""
    path, recording = recording_of(name)
    changed = {
        "model": f"recording:{path}",
        "gates": (),
        "out": str(out.expanduser().absolute()) if out else "",
        "folder": str(Path.cwd()),
    }
    return recording.idea, recording.settings.model_copy(update=changed)
