"""``python -m infra.cli``: the chainflow command without installing it."""

from infra.cli.main import main

if __name__ == "__main__":
    main()
