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
