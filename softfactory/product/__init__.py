"""The product's repository: contents by hash, one commit a step, a folder for the user."""
