"""python -m digest, and the command `digest`."""

import atexit
import gc


def main() -> None:
    from digest.cli.main import run

    atexit.register(
        gc.freeze
    )  # else Python looks through all that was imported once more before it ends: 0.09 s of 0.5
    run()


if __name__ == "__main__":
    main()
