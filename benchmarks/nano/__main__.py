"""`python -m benchmarks.nano`."""

from benchmarks.nano.run import main

if __name__ == "__main__":
    main()
