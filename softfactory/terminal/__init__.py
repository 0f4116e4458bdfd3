"""The company on a terminal: live progress, gates, and what to type next."""
