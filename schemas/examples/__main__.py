"""Writes the examples that are missing: `python -m schemas.examples`. It never changes one."""

from schemas.examples import files
from schemas.examples.subjects import all_subjects


def main() -> None:
    """A first example for each new message, a further version for each that got a field."""
    newest = files.newest()
    for subject in all_subjects().values():
        for cls in subject.wire.union:
            before = newest.get((subject.topic, cls.__name__))
            example = files.made(subject, cls, before.version + 1 if before else 1)
            if before is None or not files.shows_all(before, example):
                files.write(example)
                print(f"added {example.path.relative_to(files.FOLDER)}")


if __name__ == "__main__":
    main()
