"""`python -m videomind.cli` is `videomind`."""

from videomind.cli.main import main

main()
