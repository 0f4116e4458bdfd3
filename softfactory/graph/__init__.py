"""The process: who works when."""
