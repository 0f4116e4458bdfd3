"""What roles may use besides a model: a search of the web, and a voice."""
