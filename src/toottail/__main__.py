"""``python -m toottail``: the same as the command ``toottail``."""

from toottail.cli import main

if __name__ == "__main__":
    main()
