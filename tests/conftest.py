"""What holds for all tests: no timing is an assertion, so an example may take as long as a busy machine lets it."""

from hypothesis import settings

settings.register_profile("any-machine", settings(), deadline=None)
settings.load_profile("any-machine")
