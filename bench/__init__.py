"""Speed, each number as a ratio to something plain that does the same work. `python -m bench` runs all of them."""
