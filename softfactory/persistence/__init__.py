"""Where runs, their events and their model calls are kept."""
