"""A program's side of `videomind serve`."""
