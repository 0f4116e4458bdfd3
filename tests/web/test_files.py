"""Files of a product as the page shows them."""

from base64 import b64encode

from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.product.repository import Change
from softfactory.web.files import diff_of, shown_of
from softfactory.web.wording import Wording
from tests import calculator
from tests.conftest import Opened

EN = Wording("en")
PNG = b"\x89PNG\r\n\x1a\n and so on"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='top.hacked = 1'/>"


async def test_a_picture_is_shown_as_its_data_and_a_drawing_as_its_text(
    opened: Opened, settings: Settings
) -> None:
    files: dict[str, str | bytes | None] = {
        "<b>.png": PNG,
        "drawing.svg": SVG,
        "sound.wav": b"RIFF\xff\xfe",
        "huge.gif": b"GIF8" * 600_000,
    }
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await service.start(calculator.IDEA, settings)
        await (await service.product(run.id)).commit(Change("Human", "Add pictures", files))
        shown = {path: await shown_of(service, run, path, EN) for path in (*files, "missing.py")}
    picture = shown["<b>.png"].instead
    assert f'src="data:image/png;base64,{b64encode(PNG).decode()}"' in picture
    assert "<b>" not in picture
    assert shown["drawing.svg"].text == SVG.decode()
    assert not shown["drawing.svg"].instead
    assert "neither text nor a picture" in shown["sound.wav"].instead
    assert "too large" in shown["huge.gif"].instead
    assert shown["missing.py"].text == shown["missing.py"].instead == ""


async def test_a_change_is_told_by_names_of_files_and_not_by_what_git_prints(
    opened: Opened, settings: Settings
) -> None:
    added: dict[str, str | bytes | None] = {
        "a.txt": "one\n-- two\n", "empty.py": "", "picture.png": PNG + b"\0",
    }  # fmt: skip
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await service.start(calculator.IDEA, settings)
        product = await service.product(run.id)
        await product.commit(Change("Human", "Add", added))
        first = await diff_of(service, run, "", EN)
        await product.commit(Change("Human", "Change", {"a.txt": "one\n", "empty.py": None}))
        second = await diff_of(service, run, "", EN)
    for diff in (first, second):
        assert not any(raw in diff for raw in ("diff --git", "index ", "/dev/null", "Binary"))
    for told in ("a.txt (new)", "empty.py (new)", "picture.png (new)", "a picture", "+-- two"):
        assert told in first
    for told in (">a.txt\n", "empty.py (deleted)", '"sf-minus">--- two'):
        assert told in second
