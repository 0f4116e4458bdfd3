"""What runs in the browser beside Gradio, and how the page listens to it."""

from typing import Any

LISTEN: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "concurrency_limit": None,
}
PICK = """element.addEventListener('click', (event) => {
    const button = event.target.closest('[data-value]');
    if (!button) { return; }
    element.querySelectorAll('.sf-picked').forEach((b) => b.classList.remove('sf-picked'));
    button.classList.add('sf-picked');
    trigger('select', {value: button.dataset.value});
});"""
"""Makes a button in HTML tell what it stands for."""
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
