"""The roles: each reads the state, uses its skills, returns one update."""
