"""What can go wrong in the command line. Every message says what to do about it."""


class CliError(Exception):
    """The command cannot go on; the message is meant for the person at the terminal."""


class NotRunning(CliError):
    """Nothing runs that the command could speak to."""
