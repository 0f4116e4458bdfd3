"""The page for people: an idea, a conversation, a gate, a product to be tried.

Text of a model reaches the browser in two ways only: as Markdown that Gradio cleans, or escaped
here, on the server, in `markup.py`. The templates of `gr.HTML` take neither: what stands in them
is run as JavaScript, `${...}` in a value included.
"""
