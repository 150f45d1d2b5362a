"""python -m digest, and the command `digest`."""


def main() -> None:
    from digest.cli.main import run

    run()


if __name__ == "__main__":
    main()
