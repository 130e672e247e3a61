"""`python -m ecom_assets` is `ecom`, for where the script is not on the path."""

from ecom_assets.cli import main

if __name__ == "__main__":  # processes that share its work import it too
    main()
