"""``python -m city311.dialogue run …``: Rasa's command line, without what only training needs."""

from rasa.__main__ import main

if __name__ == "__main__":
    main()
