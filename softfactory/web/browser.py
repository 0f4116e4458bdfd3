"""What runs in the browser beside Gradio, and how the page listens to it."""

from typing import Any

LISTEN: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "concurrency_limit": None,
}
PICK = """const mark = () => element.querySelectorAll('[data-value]').forEach((button) =>
    button.classList.toggle('sf-picked', (window.sfOpen || []).includes(button.dataset.value)));
const isSure = (button) => {
    if (!button.dataset.sure || button.dataset.asked) { return true; }
    const asked = button.textContent;
    button.textContent = button.dataset.sure;
    button.dataset.asked = 'yes';
    setTimeout(() => { button.textContent = asked; delete button.dataset.asked; }, 6000);
    return false;
};
element.addEventListener('click', (event) => {
    const button = event.target.closest('[data-value]');
    if (button && isSure(button)) { trigger('select', {value: button.dataset.value}); }
});
window.addEventListener('sf-open', mark);
new MutationObserver(mark).observe(element, {childList: true, subtree: true});
mark();"""
"""Makes a button in HTML tell what it stands for, at the second click if it asks whether one is
sure, and marks those of what is open."""
OPEN = """(path, commit, newest) => {
    window.sfOpen = [path, commit || newest];
    window.dispatchEvent(new Event('sf-open'));
}"""
"""Says which file and which change are shown."""
TICK = """setInterval(() => element.querySelectorAll('[data-since]').forEach((clock) => {
    const seconds = Math.max(0, Math.round(Date.now() / 1000 - clock.dataset.since));
    const rest = String(seconds % 60).padStart(2, '0');
    clock.textContent = `${Math.floor(seconds / 60)}:${rest}`;
}), 500);"""
"""Counts how long somebody has been at work, without asking the server."""
HIDE = "() => ({__type__: 'update', visible: false})"
"""Takes a complaint away once what it is about is touched."""
JUMP = "(run) => { if (run) { window.location.search = '?run=' + encodeURIComponent(run); } }"
"""Goes to a run: its name in the address is all that the page has to remember."""
RETURN = """(ended) => {
    if (!ended) { return; }
    setInterval(async () => {
        const answer = await fetch('gradio_api/app_id').catch(() => null);
        if (answer && answer.ok) { window.location.reload(); }
    }, 2000);
}"""
"""Comes back once there is a server again."""
KEEP = "(idea) => { sessionStorage.setItem('softfactory-idea', idea || ''); }"
"""Remembers what was typed, so that looking at an example does not lose it."""
RECALL = "() => sessionStorage.getItem('softfactory-idea') || ''"
FORGET = "(...args) => { sessionStorage.removeItem('softfactory-idea'); return args; }"
SAVE = """(parcel) => {
    if (!parcel) { return; }
    const [name, data] = parcel.split('|');
    const link = document.createElement('a');
    link.href = 'data:application/zip;base64,' + data;
    link.download = name;
    link.click();
}"""
DISABLE = """(...args) => {
    document.querySelectorAll('#gate button.sf-act').forEach((b) => { b.disabled = true; });
    return args;
}"""
"""At the first click, before anything is sent."""
ENABLE = """() => {
    document.querySelectorAll('#gate button.sf-act').forEach((b) => { b.disabled = false; });
}"""
"""Once the answer is taken, and the card away, or refused."""
