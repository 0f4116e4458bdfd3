"""A software company as a LangGraph state graph: one idea in, a tested repository out."""

import os

# LangGraph reads this once, at its first import: without it a checkpoint file may name any
# importable callable and have it called; with it only the types of our state are restored.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

__version__ = "0.1.0"
