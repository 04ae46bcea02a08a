"""The three services and the kernel they run on. Services never import one another: they know each other's messages."""
