"""Starts the real parts around the services: the broker, the command line, images. Holds no business rule."""
