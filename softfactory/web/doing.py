"""What happens to a run when something is pressed on its page."""

import base64
from contextlib import aclosing
from typing import Any

import gradio as gr

from softfactory.desk import Desk
from softfactory.errors import SoftfactoryError, UsageError
from softfactory.models.choice import RECORDING
from softfactory.models.presets import PRESETS
from softfactory.persistence.runs import Run
from softfactory.product.history import History
from softfactory.service import AS_IT_WAS
from softfactory.state.gates import Decision
from softfactory.web.browser import HIDE, LISTEN, SAVE
from softfactory.web.markup import plain
from softfactory.web.office import Office
from softfactory.web.view import View
from softfactory.web.wording import wording
from softfactory.web.workshop import Workshop


def wire_log(shop: Workshop, jump: Any, office: Office) -> None:
    """Fork at a step, or undo the last one."""

    async def went_back(event: gr.EventData, request: gr.Request) -> tuple[str, Any]:
        try:
            run = await office.run(request)
            if event.value == "undo":
                await office.desk.undo(run.id)
                return "", gr.update(visible=False)
            fork = await office.desk.fork(run.id, event.value, AS_IT_WAS)
        except SoftfactoryError as error:
            return "", _refused(error, request)
        return fork.id, gr.update(visible=False)

    shop.shelves.log.select(went_back, None, [jump, shop.notice], **LISTEN)


def wire_head(shop: Workshop, parcel: Any, office: Office) -> None:
    """Stop, resume, download."""

    async def stop(request: gr.Request) -> Any:
        try:
            await office.desk.stop((await office.run(request)).id)
        except SoftfactoryError as error:
            return _refused(error, request)
        return gr.update(visible=False)

    async def resume(model: str, address: str, request: gr.Request) -> Any:
        try:
            run = await office.run(request)
            if View(run, at_work=False, events=()).off_the_record:
                await office.desk.undo(run.id)
            else:
                place = address if office.chooses_addresses else ""
                await office.desk.resume(run.id, _mended(run, model, place))
        except SoftfactoryError as error:
            return _refused(error, request)
        return gr.update(visible=False)

    async def pack(request: gr.Request) -> str:
        run = await office.run(request)
        state = await office.service.documents(run.id)
        name = state["prd"].name if "prd" in state else "product"
        history = History((await office.service.product(run.id)).folder)
        return f"{name}.zip|{base64.b64encode(await history.zipped(name)).decode()}"

    touched = [shop.model.change, shop.address.change, shop.say.change]
    gr.on(touched, None, None, shop.notice, js=HIDE, api_visibility="private")
    shop.stop.click(stop, None, shop.notice, **LISTEN)
    shop.resume.click(resume, [shop.model, shop.address], shop.notice, **LISTEN)
    shop.download.click(pack, None, parcel, **LISTEN).then(
        None, parcel, None, js=SAVE, api_visibility="private"
    )


def wire_words(shop: Workshop, jump: Any, office: Office) -> None:
    """Hand a human's words to the company; once all is delivered, have another version made."""

    async def said(text: str, request: gr.Request) -> tuple[str, Any, str]:
        other = ""
        try:
            run = await office.run(request)
            if run.status == "delivered" and text.strip():
                other = await _another_version(office.desk, run, text)
            else:
                await office.service.say(run.id, text)
        except SoftfactoryError as error:
            return text, _refused(error, request), ""
        return "", gr.update(visible=False), other

    spoken = [shop.send.click, shop.say.submit]
    gr.on(spoken, said, shop.say, [shop.say, shop.notice, jump], **LISTEN)


async def _another_version(desk: Desk, run: Run, wish: str) -> str:
    """A fork at the requirements, which are changed as a human wishes; its name."""
    fork = (await desk.fork(run.id, "prd", AS_IT_WAS)).id
    async with aclosing(desk.bulletin.follow(fork)) as events:
        async for _ in events:  # until it asks
            pass
    question = await desk.service.question(fork)
    if question and question.gate == "prd":
        await desk.answer(fork, question.id, Decision(action="revise", feedback=wish.strip()))
    return fork


def _mended(run: Run, model: str, address: str) -> dict[str, str]:
    """The settings that another model or another address takes; none if they are the same.

    Raises:
        UsageError: it is a recording, which is a file of the server's.
    """
    name, place = (model or "").strip(), (address or "").strip()
    changes = {"base_url": place} if place not in ("", run.settings.base_url) else {}
    if name in ("", run.settings.model):
        return changes
    if name.lower().startswith(RECORDING):
        raise UsageError("a recording can't be named here; `demo` replays those that are shipped")
    names_provider = name.partition(":")[0] in PRESETS
    return {"model": name} | ({"base_url": ""} if names_provider else {}) | changes


def _refused(error: SoftfactoryError, request: gr.Request) -> Any:
    text = wording(request.headers).said(str(error))
    return gr.update(visible=True, value=plain(text))
